/** How a network namespace is labelled, in the survey, in snapshots and in the answers of explain(). */

/**
 * `null`: the network namespace of this process. The label of another one is the path where it is
 * mounted (`/run/netns/blue`), or else a process in it (`pid:77`).
 */
export type NetNamespace = string | null

/**
 * The label of something in a network namespace: `eth0`, or `/run/netns/blue/eth0` in another one.
 *
 * Names of interfaces, addresses and indexes contain no slash, so different things have different
 * labels, and a label can be used as a key.
 */
export function inNamespace(netns: NetNamespace, name: string | number): string {
  return netns === null ? String(name) : `${netns}/${name}`
}
