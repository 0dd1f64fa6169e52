/** What the kinds of users share: their signature, and the commands in another network namespace. */
import type { LoadedModule, User } from '../contract/types'
import type { NetNamespace } from '../kernel/net-namespace'
import type { Snapshot } from '../kernel/snapshot'

/** Finds the users of one kind that a loaded module has. */
export type FindUsers = (row: LoadedModule, snapshot: Snapshot) => User[]

/** Those of the things in a snapshot that use a module. */
export function using<Thing extends { modules: readonly string[] }>(
  things: readonly Thing[],
  { name }: LoadedModule,
): Thing[] {
  return things.filter(({ modules }) => modules.includes(name))
}

/** `ip netns` keeps its namespaces in this folder; /var/run is a link to /run. */
const NAMED = /^(?:\/var)?\/run\/netns\/([^/]+)$/

/** The argv that runs a command in the namespace. */
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

/** What a text adds to the name of something in another namespace; `''` in this one. */
export function whereText(netns: NetNamespace): string {
  return netns === null ? '' : ` in network namespace ${netns}`
}
