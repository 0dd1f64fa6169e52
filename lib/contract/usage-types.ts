/** What `explain`, `impact` and `trace` report: who uses a module, and what needs it. */
import type { ModuleStatus } from './module-types'

/** Why a module is in use. For a module that is not loaded, the lists are empty and the figures null. */
export interface Usage {
  module: string
  status: ModuleStatus
  /** The module has no exit function: the kernel refuses to unload it without `force`. */
  permanent: boolean
  /** The kernel's reference count of the module, including the references of holders. */
  refCount: number | null
  /** The loaded modules that use this one. */
  holders: string[]
  /** The references that are not held by modules: `refCount` minus the number of holders. */
  references: number | null
  /** How many of the `references` are not explained by `users`. */
  unexplained: number | null
  users: User[]
  /** What could not be read, so that entries of `users` may be missing. */
  unreadable: string[]
}

/** The kinds of users that a plan may release before it removes modules. */
export type ReleaseKind =
  'mount' | 'swap' | 'interface' | 'block' | 'device' | 'service' | 'process'

/** Something that uses a module, and how it releases the module. */
export type User = {
  /** The module that is used. */
  module: string
  /** How many references of the module it holds; `null`: not known. */
  references: number | null
  /**
   * What to do so that the module is released: a sentence, and the arguments of one command that does
   * it, to be run without a shell. `command` is null if no single command does it now. `kind`: which
   * entry of the plan option `release` lets the plan do it; null: none does.
   */
  release: { kind: ReleaseKind | null; text: string; command: string[] | null }
} & (
  | { kind: 'module'; name: string }
  | {
      kind: 'mount'
      path: string
      source: string
      type: string
      /** A process that sees the mount at this path. */
      pid: number
    }
  | {
      kind: 'process'
      pid: number
      comm: string
      /** The device that the process has open. */
      path: string
      /** The descriptor; `null`: the device is mapped into memory. */
      fd: number | null
      /** The process is this one, or a child of it. */
      self: boolean
      /** Its systemd unit, such as `ssh.service`; `null`: none. */
      unit: string | null
    }
  | { kind: 'device'; bus: string; device: string; driver: string }
  | {
      kind: 'block'
      path: string
      /** What the device is made of and what uses it: files, other devices, mounts, swap. */
      usedBy: string[]
    }
  | { kind: 'swap'; path: string }
  | {
      kind: 'interface'
      name: string
      up: boolean
      /** The link kind, such as `bridge`; `null` for hardware. */
      type: string | null
      /** The interface that it is a member of, such as a bridge. */
      master: string | null
      /** The network namespace, as `pid:N` or a path; `null`: that of this process. */
      netns: string | null
    }
  /** All open sockets of one protocol. `processes`: those that have one open, as far as known. */
  | {
      kind: 'socket'
      protocol: string
      count: number
      processes: { pid: number; comm: string }[]
    }
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
        | 'charset'
        | 'configfs'
      /** As the kernel calls it, such as `cbc-aes-aesni`. */
      name: string
      /** As the kernel calls it, such as `cbc(aes)`. */
      value: string
    }
)

/**
 * Critical: `root-filesystem`, `filesystem`, `swap`, `default-route`, `session`, `firewall`, `display`,
 * `virtual-machine`. Disruptive: `interface`, `storage`; and `input`, which is critical for the last
 * keyboard of a machine whose display is in use.
 */
export type EffectKind =
  | 'root-filesystem'
  | 'filesystem'
  | 'swap'
  | 'default-route'
  | 'session'
  | 'firewall'
  | 'interface'
  | 'display'
  | 'input'
  | 'virtual-machine'
  | 'storage'

/** Something that would stop working without a module. */
export interface Effect {
  kind: EffectKind
  /** The guard of `plan` and `unload` refuses critical effects; with `guard: 'strict'` also the others. */
  severity: 'critical' | 'disruptive'
  /** The module without which it would stop working. */
  module: string
  /** What would stop working: `/`, `eth0`, `/dev/sda2`, `inet fw` (a table), the id of a process. */
  subject: string
  /** The same as a sentence. */
  message: string
}

/** Options of `trace`. */
export interface TraceOptions {
  /** Ends the trace: the pending or the next call of `next()` rejects with ERR_KMOD_ABORTED. */
  signal?: AbortSignal | undefined
}

/** A reference to a module was taken or dropped. */
export interface ReferenceEvent {
  action: 'get' | 'put'
  /** The process. If the thread that did it has ended already, the number of that thread. */
  pid: number
  /** The last known name of the thread; `null`: the kernel does not know it any more. */
  comm: string | null
  /** The kernel function that took or dropped the reference. */
  caller: string
  /** The reference count afterwards, as in /sys/module/NAME/refcnt. */
  refCount: number
  /** When: the kernel's monotonic clock converted to the time of day, to the millisecond. */
  at: Date
}
