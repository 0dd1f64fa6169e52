/** How a release is carried out in another network namespace, and how its text says where. */
import type { NetNamespace } from '../kernel/net-namespace'

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
