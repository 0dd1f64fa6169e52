/** How a network namespace is labelled, in the survey, in snapshots and in the answers of explain(). */

/**
 * `null`: the network namespace of this process. Another one is labelled by the path of a mount that
 * keeps it (`/run/netns/blue`), or else by a process in it (`pid:77`).
 */
export type NetNamespace = string | null

/**
 * The label of something in a network namespace: `eth0`, or `/run/netns/blue/eth0` in another one.
 *
 * No name of an interface, address or index contains a slash, so this is also a key that is different
 * for different things.
 */
export function inNamespace(netns: NetNamespace, name: string | number): string {
  return netns === null ? String(name) : `${netns}/${name}`
}
