import type { NetworkInterface } from '../kernel/snapshot'

/** Of another namespace: with the namespace in front. */
export function interfaceName({ name, netns }: NetworkInterface): string {
  return netns === null ? name : `${netns}/${name}`
}
