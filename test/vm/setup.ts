/** For every test file in a guest: a test leaves nothing behind for the next one, passed or not. */
import { readFileSync } from 'node:fs'
import { removeModules, undoTest } from './support'

// An emulated guest is slow, and a busy host makes it slower.
jest.setTimeout(90_000)

/** In the kernel's order: the newest come first, and are never held by older ones. */
const loaded = (): string[] =>
  readFileSync('/proc/modules', 'utf8')
    .split('\n')
    .map((row) => row.split(' ', 1)[0]!)
    .filter((name) => name !== '')

/** Removes what was loaded since then. Some cannot be removed by the kernel's design (sctp). */
function removeSince(before: readonly string[]): void {
  const newer = loaded().filter((name) => !before.includes(name))
  if (newer.length > 0) removeModules(...newer)
}

let beforeFile: string[]
let beforeTest: string[]
beforeAll(() => {
  beforeFile = loaded()
})
beforeEach(() => {
  beforeTest = loaded()
})
afterEach(async () => {
  await undoTest().finally(() => removeSince(beforeTest))
})
afterAll(() => removeSince(beforeFile))
