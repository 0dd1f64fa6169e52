'use strict'
/** The test projects. `npm run test:vm` runs the last six, in virtual machines (guests). */
/** What takes long runs with `npm test -- --long` and the commands that ask for it. */
const ignored = process.env.KMOD_LONG === '1' ? [] : ['/long/']

const project = (name, { folder = name, ...more } = {}) => ({
  displayName: name,
  rootDir: __dirname,
  testMatch: [`<rootDir>/test/${folder}/**/*.test.ts`],
  testPathIgnorePatterns: ['/node_modules/', ...ignored],
  testEnvironment: 'node',
  transform: { '^.+\\.ts$': ['ts-jest', { tsconfig: 'tsconfig.test.json', diagnostics: false }] },
  // Tests use the package as it was built, like users.
  moduleNameMapper: {
    '^node-kmod$': '<rootDir>/dist/index.js',
    '^node-kmod/graph$': '<rootDir>/dist/graph/index.js',
    '^node-kmod/libkmod$': '<rootDir>/dist/libkmod/index.js',
    '^node-kmod/testing$': '<rootDir>/dist/testing/index.js',
    '^node-kmod/vm$': '<rootDir>/dist/vm/index.js',
  },
  ...more,
})

const guestProject = (name) =>
  project(name, { folder: `vm/${name}`, setupFilesAfterEnv: ['<rootDir>/test/vm/setup.ts'] })

module.exports = {
  testTimeout: 20_000,
  projects: [
    project('unit'),
    project('captured'),
    project('lifecycle'),
    project('package', { globalSetup: '<rootDir>/test/package/pack.ts' }),
    // In Chromium.
    project('browser'),
    // The Ansible collection; starts guests itself.
    project('fleet'),
    // Behaviour that may differ between kernels.
    guestProject('every-kernel'),
    // Behaviour that is the same on all kernels.
    guestProject('one-kernel'),
    // Tests that need systemd as process 1.
    guestProject('systemd'),
    // Tests that leave the kernel in a state in which other tests cannot run.
    guestProject('destructive'),
    // Uses of modules, and what explain() says of them: npm run test:uses.
    guestProject('uses'),
    // Random rounds with faults, for as long as asked: npm run test:soak.
    guestProject('soak'),
  ],
}
