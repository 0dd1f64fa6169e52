/** For every file of this ring: what its tests have loaded goes again, so that files do not meet. */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

// An emulated guest is slow, and a busy host makes it slower.
jest.setTimeout(90_000)

const loaded = (): string[] =>
  readFileSync('/proc/modules', 'utf8')
    .split('\n')
    .flatMap((row) => row.split(' ')[0] || [])

let before: ReadonlySet<string>
beforeAll(() => {
  before = new Set(loaded())
})

afterAll(() => {
  // The newest come first and are never held by older ones; some cannot be unloaded at all (sctp).
  for (const name of loaded().filter((name) => !before.has(name))) spawnSync('rmmod', [name])
})
