/**
 * What all kinds of users share: their signature, and commands that run in another network namespace.
 */
import type { LoadedModule, User } from '../contract/types'
import type { NetNamespace } from '../kernel/net-namespace'
import type { Snapshot } from '../kernel/snapshot'

/** Finds the users of one kind that a loaded module has. */
export type FindUsers = (row: LoadedModule, snapshot: Snapshot) => User[]

/** Selects from a list of a snapshot the items that use a module. */
export function using<Thing extends { modules: readonly string[] }>(
  things: readonly Thing[],
  { name }: LoadedModule,
): Thing[] {
  return things.filter(({ modules }) => modules.includes(name))
}

/** The words before a release that needs something else first; `''` if nothing is in the way. */
export function firstText(obstacles: readonly string[]): string {
  if (obstacles.length === 0) return ''
  const shown = obstacles.slice(0, 3).join(', ')
  const more = obstacles.length > 3 ? ` and ${obstacles.length - 3} more` : ''
  return `first ${shown}${more}; then `
}

/** The path of a namespace of `ip netns`; /var/run is a link to /run. */
const NAMED = /^(?:\/var)?\/run\/netns\/([^/]+)$/

/** The argv that runs a command in a network namespace. */
export function commandIn(netns: NetNamespace, command: readonly string[]): string[] {
  if (netns === null) return [...command]
  const pid = /^pid:(\d+)$/.exec(netns)?.[1]
  if (pid !== undefined) return ['nsenter', '-t', pid, '-n', ...command]
  const name = NAMED.exec(netns)?.[1]
  if (name === undefined) return ['nsenter', `--net=${netns}`, ...command]
  const [program, ...rest] = command
  return program === 'ip' || program === 'tc'
    ? [program, '-n', name, ...rest]
    : ['ip', 'netns', 'exec', name, ...command]
}

/** The words that name another network namespace in a text; `''` for that of this process. */
export function whereText(netns: NetNamespace): string {
  return netns === null ? '' : ` in network namespace ${netns}`
}
