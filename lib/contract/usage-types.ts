/** What explain, impact and trace tell. */
import type { ModuleStatus } from './base-types'

/** Why a module is in use. */
export interface Usage {
  module: string
  status: ModuleStatus
  permanent: boolean
  refCount: number | null
  holders: string[]
  /** `refCount` less holders: references that are not modules. */
  references: number | null
  /** How many of those no user below accounts for. */
  unexplained: number | null
  users: User[]
  /** What could not be read. */
  unreadable: string[]
}

/** Something that uses a module, and how it lets go of it. */
export type User = {
  module: string
  /** Of the reference count, where known. */
  references: number | null
  /** `command` is an argv, never a line for a shell; `null` where no one command does it. */
  release: { text: string; command: string[] | null }
} & (
  | { kind: 'module'; name: string }
  /** `pid`: of a process that sees it. */
  | { kind: 'mount'; path: string; source: string; type: string; pid: number }
  /** `fd`: `null` where the device is mapped into memory. `self`: this process or a child of it. */
  | { kind: 'process'; pid: number; comm: string; path: string; fd: number | null; self: boolean }
  | { kind: 'device'; bus: string; device: string; driver: string }
  | { kind: 'block'; path: string; usedBy: string[] }
  | { kind: 'swap'; path: string }
  /** `type`: the link kind. `netns`: `pid:N`, or a path; `null`: the namespace of this process. */
  | {
      kind: 'interface'
      name: string
      up: boolean
      type: string | null
      master: string | null
      netns: string | null
    }
  /** All open sockets of one protocol. */
  | { kind: 'socket'; protocol: string; count: number }
  /** In the words of the kernel, such as `cbc-aes-aesni` and `cbc(aes)`. */
  | {
      kind:
        | 'crypto'
        | 'console'
        | 'sound'
        | 'netfilter'
        | 'traffic-control'
        | 'setting'
        | 'tty'
        | 'binfmt'
      name: string
      value: string
    }
)

export type EffectKind =
  | 'root-filesystem'
  | 'filesystem'
  | 'swap'
  | 'default-route'
  | 'session'
  | 'interface'
  | 'display'
  | 'virtual-machine'
  | 'storage'

/** Something that would stop working without a module. */
export interface Effect {
  kind: EffectKind
  severity: 'critical' | 'disruptive'
  module: string
  /** `/`, `eth0`, `/dev/sda2` ... */
  subject: string
  message: string
}

/** Somebody took or dropped a reference to a module. */
export interface ReferenceEvent {
  action: 'get' | 'put'
  /** The process; should the thread that did it have ended meanwhile, the number of that thread. */
  pid: number
  /** The name of the thread, as the kernel last knew it; `null`: it does not know any more. */
  comm: string | null
  /** The function in the kernel that did it. */
  caller: string
  /** Of all references, afterwards, as /sys/module/NAME/refcnt counts them. */
  refCount: number
  /** To the millisecond: the kernel's monotonic clock, converted to the time of day. */
  at: Date
}
