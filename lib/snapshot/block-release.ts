import type { BlockUse } from '../kernel/snapshot'

/** What a block device is, as far as it decides how it is taken down. */
export interface BlockKind {
  /** Of its own module; `null`: a plain disk. */
  module: string | null
  /** Such as `/dev/dm-0`. */
  path: string
  /** Of a device-mapper mapping. */
  mapping: { name: string; uuid: string } | null
}

type Command = (kind: BlockKind) => string[]

/** By module. */
const COMMANDS: Readonly<Record<string, Command>> = {
  loop: ({ path }) => ['losetup', '-d', path],
  zram: ({ path }) => ['zramctl', '--reset', path],
  md_mod: ({ path }) => ['mdadm', '--stop', path],
  nbd: ({ path }) => ['qemu-nbd', '-d', path],
  dm_mod: ({ path, mapping }) =>
    mapping?.uuid.startsWith('CRYPT-')
      ? ['cryptsetup', 'close', mapping.name]
      : ['dmsetup', 'remove', mapping?.name ?? path],
}

export function blockRelease(kind: BlockKind, usedBy: readonly string[]): BlockUse['release'] {
  const { module, path, mapping } = kind
  const command = (module === null ? undefined : COMMANDS[module]?.(kind)) ?? null
  const name = mapping === null || mapping.name === path ? path : `${path} (${mapping.name})`
  const users = usedBy.length === 0 ? '' : `, which goes with ${usedBy.join(', ')}`
  if (command !== null) return { text: `take the block device ${name} down${users}`, command }
  const text =
    usedBy.length === 0
      ? `nothing known uses the block device ${name}`
      : `unmount or take down what uses the block device ${name}: ${usedBy.join(', ')}`
  return { text, command }
}
