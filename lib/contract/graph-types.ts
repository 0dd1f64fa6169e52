/** The options and the results of `graph` and `capture`. */
import type { UnloadPlan } from './plan-types'
import type { User } from './usage-types'

/** Options of `graph`. */
export interface GraphOptions {
  /** Whether mounts, processes, interfaces and all other users of the modules are nodes too. Default: false. */
  users?: boolean | undefined
  /**
   * A plan, whose modules get a `role` and an `order`. Modules that are not loaded any more are left out.
   * Default: none.
   */
  plan?: UnloadPlan | undefined
  /** Rejects the call with ERR_KMOD_ABORTED. */
  signal?: AbortSignal | undefined
}

/** A module, or a user of modules. */
export interface GraphNode {
  /** For a module its name; for a user its kind and what identifies it, as `mount:/mnt:1`. */
  id: string
  kind: 'module' | User['kind']
  /** What a picture shows, without control characters. */
  label: string
  /** Of a module: its reference count, if the kernel gives one. */
  refCount?: number | undefined
  /** Of a module: its size in bytes. */
  size?: number | undefined
  /**
   * With the option `plan`:
   * - `target`: the plan removes it, because it was asked for.
   * - `goes`: the plan removes it, because it is a holder or a dependency; or releases it, if it is a user.
   * - `stays`: the plan keeps it.
   * - `blocks`: it is why the plan is not feasible.
   */
  role?: 'target' | 'goes' | 'stays' | 'blocks' | undefined
  /** The number of the step of the plan that removes or releases it; the first step is 1. */
  order?: number | undefined
}

/** `to` is used by `from`. */
export interface GraphEdge {
  from: string
  to: string
  /** `soft`: a soft dependency that modprobe.d configures; the kernel does not know about it. */
  kind: 'uses' | 'soft'
}

/** Modules, what uses them, and what they use. Plain JSON; `node-kmod/graph` makes pictures of it. */
export interface ModuleGraph {
  nodes: GraphNode[]
  edges: GraphEdge[]
  /** What could not be read, so that nodes and edges may be missing; absent if everything was read. */
  unreadable?: string[] | undefined
}

/** Options of `capture`. */
export interface CaptureOptions {
  /**
   * Whether what only uses modules is captured too, for `explain` and for the plan of a module that is in
   * use: names and open devices of processes, sockets, firewall rules, the crypto API. Default: true.
   */
  users?: boolean | undefined
  /** Rejects the call with ERR_KMOD_ABORTED, and deletes what was written. */
  signal?: AbortSignal | undefined
}

/** What `capture` wrote. */
export interface CaptureReport {
  /** The number of files and symbolic links. */
  files: number
  /** Their size in bytes. */
  bytes: number
  /** What could not be read, so that answers about the captured system may lack it. */
  unreadable: string[]
}
