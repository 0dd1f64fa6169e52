/** What the tests with random rounds share: what is loaded, and with which options it is unloaded. */
import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { attempt, lsmod, MODULE_DIRECTORY, removeModules } from './support'

/** `npm run test:soak` sets both: how many rounds, and the seed that repeats a run. */
export const ROUNDS = Number(process.env.KMOD_ROUNDS ?? 20)
export const SEED = Number(process.env.KMOD_SEED ?? Date.now() % 2 ** 31)

/** Milliseconds for a test of all rounds. A round takes 2 to 15 s, and on a busy machine longer. */
export const ROUNDS_TIMEOUT = 30_000 + ROUNDS * 60_000

/** Modules that need no hardware, most of which use others. */
const pool = readFileSync(`${MODULE_DIRECTORY}/modules.dep`, 'utf8')
  .split('\n')
  .filter((line) =>
    /^kernel\/(net\/(netfilter|bridge|sched|8021q|llc|802|ipv4\/netfilter|ipv6\/netfilter)|fs\/(nls|fat|isofs|udf|squashfs|configfs|dlm|ocfs2)|drivers\/target|lib|sound\/(core|drivers)|crypto)\//.test(
      line,
    ),
  )
  .map((line) =>
    line
      .replace(/\.ko.*/, '')
      .replace(/.*\//, '')
      .replaceAll('-', '_'),
  )
  // These run self-tests for minutes, or cannot be removed by the kernel's design.
  .filter((name) => !/test|sctp|tcrypt|kunit/.test(name))

export const round = fc.record({
  load: fc.uniqueArray(fc.constantFrom(...pool), { minLength: 1, maxLength: 3 }),
  unloadDependencyOf: fc.boolean(),
  options: fc.record({
    holders: fc.constantFrom('refuse', 'remove'),
    dependencies: fc.constantFrom('unused', 'unused', 'keep'),
    guard: fc.constantFrom('refuse', 'off'),
  }),
})

/** The names of the loaded modules, in the kernel's order. */
export const loaded = (): string[] => lsmod().map(({ name }) => name)

/** Loads the modules of a round. Some cannot be loaded: they need hardware, or exclude each other. */
export function loadAll(names: readonly string[]): void {
  for (const name of names) attempt('modprobe', [name])
}

/** Removes what was loaded since then, as far as it can be removed. */
export function removeSince(before: ReadonlySet<string>): void {
  for (;;) {
    const rest = loaded().filter((name) => !before.has(name))
    if (rest.length > 0) removeModules(...rest)
    if (loaded().filter((name) => !before.has(name)).length === rest.length) return
  }
}
