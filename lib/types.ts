/** The shapes that go in and out of the public functions. Plain data; no code. */

/** One row of the kernel's table of loaded modules. Source: /proc/modules. */
export interface LoadedModule {
  /** As the kernel has it, with `_`. */
  name: string
  /** Bytes of kernel memory. */
  size: number
  /**
   * All references, those of holders included. `null`: the kernel gives none (the module is being
   * unloaded, or the kernel was built without CONFIG_MODULE_UNLOAD).
   */
  refCount: number | null
  /** Loaded modules that use this one. */
  holders: string[]
  state: 'live' | 'loading' | 'unloading'
  /** It has no exit function: it cannot be unloaded (short of force). */
  permanent: boolean
  /** The kernel's letters for what taints this module, such as `OE`; `''` for none. */
  taints: string
}

/**
 * - `live`, `loading`, `unloading`: the kernel has it.
 * - `builtin`: compiled into the kernel. The module index says so, or /sys/module/NAME is there
 *   without an `initstate` and /proc/modules lacks it.
 * - `unloaded`: the module index has it, the kernel does not.
 * - `unknown`: neither has it.
 */
export type ModuleStatus = 'live' | 'loading' | 'unloading' | 'builtin' | 'unloaded' | 'unknown'

/** What a module's file, or the kernel's list of built-ins, says about it. */
export interface ModuleInfo {
  name: string
  builtin: boolean
  /** The .ko file; `null` for a built-in. */
  path: string | null
  description: string | null
  license: string | null
  version: string | null
  srcVersion: string | null
  vermagic: string | null
  authors: string[]
  aliases: string[]
  /** Modules whose symbols it needs. */
  depends: string[]
  firmware: string[]
  /** Those that its author wrote into the file; modprobe.d can name more. */
  softDependencies: { pre: string[]; post: string[] }
  parameters: { name: string; type: string | null; description: string | null }[]
  /** What modprobe.d (and, on the running system, the kernel command line) sets for it. */
  config: {
    options: string | null
    removeCommand: string | null
    installCommand: string | null
    blacklisted: boolean
  }
  /** Every field, in modinfo's order; values verbatim, not trimmed (vermagic ends in a blank). */
  fields: { key: string; value: string }[]
}

/** May and can this process unload modules here. */
export interface Preflight {
  canUnload: boolean
  canForce: boolean
  /** Why not; empty when `canUnload`. */
  problems: { code: KmodErrorCode; message: string }[]
  kernel: {
    release: string
    /** It has loadable modules at all. */
    modules: boolean
    /** It can unload them (CONFIG_MODULE_UNLOAD). */
    unload: boolean
    /** CONFIG_MODULE_FORCE_UNLOAD; `null` where the kernel's configuration cannot be found. */
    forceUnload: boolean | null
    /** kernel.modules_disabled is set: nothing can be loaded or unloaded until the next boot. */
    modulesDisabled: boolean
    /** `none`, `integrity`, `confidentiality`; `null` where the kernel has no lockdown. */
    lockdown: string | null
  }
  /** CAP_SYS_MODULE, and in the initial user namespace. */
  capability: boolean
  /** The libkmod in use, a path. */
  libkmod: string | null
}

/** Every code that an error of this package can have. */
export type KmodErrorCode =
  | 'ERR_KMOD_NOT_FOUND'
  | 'ERR_KMOD_NOT_LOADED'
  | 'ERR_KMOD_ALREADY_LOADED'
  | 'ERR_KMOD_BUILTIN'
  | 'ERR_KMOD_HELD'
  | 'ERR_KMOD_IN_USE'
  | 'ERR_KMOD_PERMANENT'
  | 'ERR_KMOD_TRANSIENT'
  | 'ERR_KMOD_CRITICAL'
  | 'ERR_KMOD_REMOVE_COMMAND'
  | 'ERR_KMOD_PLAN_CHANGED'
  | 'ERR_KMOD_TIMEOUT'
  | 'ERR_KMOD_HUNG'
  | 'ERR_KMOD_ABORTED'
  | 'ERR_KMOD_REAPPEARED'
  | 'ERR_KMOD_CALLBACK'
  | 'ERR_KMOD_PERMISSION'
  | 'ERR_KMOD_DISABLED'
  | 'ERR_KMOD_UNSUPPORTED'
  | 'ERR_KMOD_LIBRARY'
  | 'ERR_KMOD_FORMAT'
  | 'ERR_KMOD_LOAD'
  | 'ERR_KMOD_READ_ONLY'
  | 'ERR_KMOD_SYSTEM'

/** How the kernel fared while something was done to it. */
export interface KernelHealth {
  /**
   * Kernel taints that were not set before, by the kernel's names without `TAINT_`, such as `WARN`,
   * `FORCED_RMMOD`, `OOT_MODULE`. Like `messages` of the time window, whoever caused them.
   */
  newTaints: string[]
  /** The kernel log since the start; `null`: not readable. */
  messages: string[] | null
  /**
   * `false`: a new taint, or WARNING, BUG or Oops in `messages`; `null`: none of these seen, but the
   * log was not readable.
   */
  clean: boolean | null
}

/** Booleans become 1 and 0, lists are joined by commas. */
export type ModuleParameters = Record<
  string,
  string | number | boolean | readonly (string | number)[]
>

/** Options of {@link Kmod.load}. */
export interface LoadOptions {
  /** Given to the module itself, after those of modprobe.d. */
  parameters?: ModuleParameters
  /** Reject with ERR_KMOD_ALREADY_LOADED instead of resolving when it is loaded already. */
  mustBeNew?: boolean
  /** Milliseconds inside the kernel before ERR_KMOD_HUNG; default 30,000; Infinity for never. */
  hungAfter?: number
  signal?: AbortSignal
}

/** What {@link Kmod.load} did. */
export interface LoadReport extends KernelHealth {
  /** The module that the name or alias stands for. */
  module: string
  /** Everything that this call loaded, dependencies included, in order. */
  loaded: string[]
  alreadyLoaded: boolean
}

/** Options of {@link Kmod.remove}. */
export interface RemoveOptions {
  /** As the kernel means it: overrides references and permanent, never holders or state. */
  force?: boolean
  /** Milliseconds inside the kernel before ERR_KMOD_HUNG; default 30,000; Infinity for never. */
  hungAfter?: number
  signal?: AbortSignal
}

/** Options of {@link Kmod.trace}. */
export interface TraceOptions {
  /** Ends the trace: the next `next()`, or the one that is pending, rejects with ERR_KMOD_ABORTED. */
  signal?: AbortSignal
}

/** What a plan may take along, and what it refuses. */
export interface PlanOptions {
  /**
   * Default `refuse`: a loaded module that uses a target blocks. `remove`: what uses the targets goes
   * too, all the way up.
   */
  holders?: 'refuse' | 'remove'
  /** Default `unused`: what only they used goes too, all the way down, where that is harmless. */
  dependencies?: 'unused' | 'keep'
  /** Default true: the softdeps of modprobe.d, post before and pre after, where that is harmless. */
  softDependencies?: boolean
  /**
   * Default `refuse`: a `remove` command of modprobe.d for a target or holder blocks. `run`: it is run
   * as modprobe does, by `/bin/sh -c`, with MODPROBE_MODULE set. `skip`: the module is removed without.
   */
  commands?: 'refuse' | 'run' | 'skip'
  /** Default `refuse`: a critical effect blocks. `strict`: a disruptive one too. `off`: none. */
  guard?: 'refuse' | 'strict' | 'off'
  /** Effects accepted beforehand, by kind or by kind and subject: `default-route:wlan0`. */
  allow?: readonly string[]
  /**
   * Default false. As the kernel means it: overrides references and permanent, of targets and of
   * holders that go; never holders, state or the guard. ERR_KMOD_UNSUPPORTED where the kernel is known
   * not to have it.
   */
  force?: boolean
  /** Default false: a target that is not loaded is `absent`. True: it is ERR_KMOD_NOT_LOADED. */
  mustBeLoaded?: boolean
  /** Default false. True: a name that nobody knows is `absent`. */
  allowUnknown?: boolean
}

/** Options of {@link Kmod.unload}; {@link Kmod.plan} ignores what only concerns the run. */
export interface UnloadOptions extends PlanOptions {
  /**
   * Milliseconds, default 0: one deadline for the whole call, for keeping on while a module is in use
   * or on its way in or out. Every other blocker rejects at once.
   */
  wait?: number
  /** Milliseconds of each removal inside the kernel before ERR_KMOD_HUNG; default 30,000. */
  hungAfter?: number
  /** Milliseconds, default 0: keep watching this long that what went stays gone. */
  settle?: number
  /** Default `stop`. `restore`: what this call removed is loaded again, newest first. */
  onFailure?: 'stop' | 'restore'
  /** Heard between steps and while waiting. */
  signal?: AbortSignal
  /** Told of each step's start, of waiting for it, and of its end. */
  onStep?: (event: UnloadEvent) => void
  /** Under `wait`: at the first block and at each change. Awaited; then it is tried at once. */
  onBlocked?: (blocker: Blocker, users: User[]) => void | Promise<void>
}

/** What {@link UnloadOptions.onStep} is told. */
export interface UnloadEvent {
  step: UnloadStep
  /** From 0, of `total`. */
  index: number
  total: number
  state: 'start' | 'waiting' | 'done'
  /** What is waited for. */
  blocker?: Blocker
}

/** Why a step is in the plan. */
export type StepReason = 'target' | 'holder' | 'dependency' | 'soft-dependency'

export type UnloadStep =
  | { action: 'remove'; module: string; reason: StepReason }
  /** A `remove` command of modprobe.d. */
  | { action: 'run'; module: string; reason: StepReason; command: string }

/** Why the plan cannot be carried out now. */
export type Blocker = { module: string; message: string } & (
  | { code: 'ERR_KMOD_HELD'; holders: string[] }
  | { code: 'ERR_KMOD_IN_USE'; references: number }
  | { code: 'ERR_KMOD_CRITICAL'; effect: Effect }
  | { code: 'ERR_KMOD_REMOVE_COMMAND'; command: string }
  | {
      code:
        | 'ERR_KMOD_NOT_FOUND'
        | 'ERR_KMOD_NOT_LOADED'
        | 'ERR_KMOD_BUILTIN'
        | 'ERR_KMOD_PERMANENT'
        | 'ERR_KMOD_TRANSIENT'
    }
)

/** A dependency that stays. */
export interface Kept {
  module: string
  /**
   * - `held`: a module that stays uses it.
   * - `in-use`: something that is no module uses it.
   * - `effect`: something that runs would stop working.
   * - `permanent`, `transient`: it has no exit function; it is on its way in or out.
   * - `command`: modprobe.d has a `remove` command for it, which may not run.
   * - `configured`: modules-load.d or /etc/modules names it.
   * - `option`: an option says so.
   */
  reason:
    'held' | 'in-use' | 'effect' | 'permanent' | 'transient' | 'command' | 'configured' | 'option'
}

/** What an unload would do. Plain JSON. */
export interface UnloadPlan {
  /** What was asked for, after aliases were resolved. */
  targets: string[]
  /** Those of them that are not loaded. */
  absent: string[]
  /** In the order in which they run, once nothing blocks. */
  steps: UnloadStep[]
  /** None when feasible. First what no waiting cures, then held, in use, transient. */
  blockers: Blocker[]
  kept: Kept[]
  /** What would stop working. None with `guard: 'off'`, which does not look. */
  effects: Effect[]
  feasible: boolean
  /** What could not be looked at, and so may be missing above. */
  unreadable: string[]
  /** As applied, defaults filled in. */
  options: Required<PlanOptions>
}

/** What {@link Kmod.unload} did. Plain JSON. */
export interface UnloadReport extends KernelHealth {
  /** What this call removed, in order. */
  removed: string[]
  /** Was not loaded, or somebody else removed it in the middle (which is not restored). */
  absent: string[]
  /** The plan's, and dependencies that turned busy since. */
  kept: Kept[]
  /** Gone, then loaded again by somebody. */
  reappeared: string[]
  /** `duration` in milliseconds. */
  steps: { step: UnloadStep; attempts: number; duration: number }[]
  /** The step that failed: only in the report of an error. */
  failed: { step: UnloadStep; code: KmodErrorCode } | null
  /** With `onFailure: 'restore'`: what was loaded again. */
  restored: string[]
  notRestored: { module: string; message: string }[]
  /** Parameters that have another value than before, once restored. */
  parametersLost: { module: string; name: string; before: string; after: string | null }[]
}

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

/** Which system a {@link Kmod} looks at. */
export interface KmodOptions {
  /**
   * Default `/`, the running system. Another root is a captured system or an image: it can be
   * inspected; whatever would change a kernel rejects with ERR_KMOD_READ_ONLY. Every path is resolved
   * inside it, symbolic links included: one that does not lead into the root is taken for a path as
   * seen from inside.
   */
  root?: string
  /** Default `uname -r`; under another root the only release in lib/modules. */
  kernelRelease?: string
  /** Default `<root>/lib/modules/<kernelRelease>`. */
  moduleDirectory?: string
  /** modprobe.d directories or files; default libkmod's own, under `root`. */
  configPaths?: readonly string[]
}
