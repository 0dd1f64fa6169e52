/** Network namespaces, as they are labelled: `null` our own, `pid:N`, or the path of a mount. */

/** Of another namespace: with the namespace in front. */
export function inNamespace(netns: string | null, name: string): string {
  return netns === null ? name : `${netns}/${name}`
}

/** `ip netns` keeps its namespaces there; /var/run is a link to /run. */
const NAMED = /^(?:\/var)?\/run\/netns\/([^/]+)$/

/** The command line that runs a command in the namespace. */
export function commandIn(netns: string | null, command: readonly string[]): string[] {
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

/** For a message: where that is, if not here. */
export function whereText(netns: string | null): string {
  return netns === null ? '' : ` in network namespace ${netns}`
}
