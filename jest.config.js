'use strict'
/** The rings of tests, a project each. The last three run inside a guest: `npm run test:vm` starts it. */
const ring = (name, { folder = name, ...more } = {}) => ({
  displayName: name,
  rootDir: __dirname,
  testMatch: [`<rootDir>/test/${folder}/**/*.test.ts`],
  testEnvironment: 'node',
  transform: { '^.+\\.ts$': ['ts-jest', { tsconfig: 'tsconfig.test.json', diagnostics: false }] },
  // What a user gets: the package as it is built.
  moduleNameMapper: { '^node-kmod$': '<rootDir>/dist/index.js' },
  ...more,
})

const guestRing = (name) =>
  ring(name, { folder: `vm/${name}`, setupFilesAfterEnv: ['<rootDir>/test/vm/setup.ts'] })

module.exports = {
  testTimeout: 20_000,
  projects: [
    ring('unit'),
    ring('captured'),
    ring('lifecycle'),
    ring('package'),
    guestRing('every-kernel'),
    // What is enough on one kernel.
    guestRing('one-kernel'),
    // What cannot be undone in a running kernel.
    ring('destructive', { folder: 'vm/destructive' }),
  ],
}
