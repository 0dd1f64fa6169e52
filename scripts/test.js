'use strict'
/** `npm test`: sets up what is missing, and runs all rings of tests. `npm test -- vm` runs one ring. */
const { run, setUp } = require('./setup')

const jest = (...projects) => [
  process.execPath,
  ['node_modules/jest/bin/jest.js', '--ci', '--selectProjects', ...projects],
]

const rings = {
  unit: { packages: [], command: jest('unit') },
  host: {
    packages: ['vm', 'modules', 'shells', 'browser'],
    command: jest('captured', 'lifecycle', 'browser'),
  },
  package: { packages: ['vm', 'modules', 'prebuild', 'arm64'], command: jest('package') },
  native: { packages: ['native'], command: [process.execPath, ['scripts/test-native.js']] },
  fleet: {
    packages: ['vm', 'fleet'],
    command: jest('fleet'),
  },
  vm: { packages: ['vm', 'modules'], command: ['npx', ['tsx', 'test/vm/ring.ts']] },
}

const words = process.argv.slice(2)
// All tests on all kernels, also those in the folders `long`.
if (words.includes('--long')) process.env.KMOD_LONG = '1'
const names = words.filter((word) => word !== '--long')
const unknown = names.filter((name) => !Object.hasOwn(rings, name))
if (unknown.length > 0) {
  console.error(
    `Unknown ring of tests: ${unknown.join(', ')}. The rings are ${Object.keys(rings).join(', ')}.`,
  )
  process.exit(2)
}
const chosen = names.length > 0 ? names : Object.keys(rings)
setUp([...new Set(chosen.flatMap((name) => rings[name].packages))])
const begin = Date.now()
for (const name of chosen) {
  const ringBegin = Date.now()
  console.log(`\n##### ${name}`)
  run(...rings[name].command)
  console.log(`##### ${name} passed in ${Math.round((Date.now() - ringBegin) / 1000)} s`)
}
console.log(`\nAll passed in ${Math.round((Date.now() - begin) / 1000)} s.`)
