'use strict'
/** The rings of tests, a project each. vm runs inside a guest: `npm run test:vm` takes it there. */
const ring = (name, more = {}) => ({
  displayName: name,
  rootDir: __dirname,
  testMatch: [`<rootDir>/test/${name}/**/*.test.ts`],
  testEnvironment: 'node',
  transform: { '^.+\\.ts$': ['ts-jest', { tsconfig: 'tsconfig.test.json', diagnostics: false }] },
  // What a user gets: the package as it is built.
  moduleNameMapper: { '^node-kmod$': '<rootDir>/dist/index.js' },
  ...more,
})

module.exports = {
  testTimeout: 20_000,
  projects: [
    ring('unit'),
    ring('captured'),
    ring('lifecycle'),
    ring('package'),
    ring('vm', { setupFilesAfterEnv: ['<rootDir>/test/vm/setup.ts'] }),
    // What is enough on one kernel.
    ring('vm-once', { setupFilesAfterEnv: ['<rootDir>/test/vm/setup.ts'] }),
    // What cannot be undone in a running kernel comes last.
    ring('vm-last'),
  ],
}
