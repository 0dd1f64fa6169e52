/**
 * All that the rest of lib/ may ask of a kernel, or do to it. Three kernels implement it: the
 * running one (live-kernel.ts), a captured one (captured-kernel.ts), and, in the tests, a simulated
 * one. Whoever is given a Kernel never touches /proc, /sys or the addon itself.
 *
 * The methods reject with a KmodError when what they are to read cannot be read.
 */
import type { NativeFailure } from './failure'
import type { LoadedModule, Preflight, ReferenceEvent } from '../contract/types'

/** What /sys/module says about a module. */
export interface SysModule {
  /**
   * Identifies one stay in the kernel (the folder's inode): a module that went and came back has
   * another. `''`: there is no folder.
   */
  identity: string
  /** `live`, `coming`, `going`; `''` for a built-in (and for an instant while a module goes). */
  initstate: string
}

/** Whether the module index knows a name. */
export interface Presence {
  /** The file that it names. */
  path: string | null
  builtin: boolean
}

/** A module as its file and the configuration describe it. */
export interface Description {
  name: string
  path: string | null
  options: string | null
  removeCommand: string | null
  installCommand: string | null
  blacklisted: boolean
  fields: { key: string; value: string }[]
}

/** What the configuration says about a module's removal. */
export interface RemovalPolicy {
  /** The `remove` command of modprobe.d. */
  removeCommand: string | null
  /** Of all softdep lines that match. */
  softDependencies: { pre: string[]; post: string[] }
  /** modules-load.d or /etc/modules names it: it was loaded on purpose. */
  configured: boolean
}

/** depmod's index, modprobe.d, and the module files. */
export interface ModuleIndex {
  /** Those of the modules for which anything is configured. `complete`: as for `find`. */
  policies(
    names: readonly string[],
  ): Promise<{ complete: boolean; policies: Map<string, RemovalPolicy> }>
  /** The modules that each needs, all the way down, as modules.dep has it. */
  needs(names: readonly string[]): Promise<string[][]>
  /** `complete: false`: there is no index by depmod, at most a list of built-ins. */
  find(names: readonly string[]): Promise<{ complete: boolean; found: Presence[] }>
  /** What `modprobe -R` answers for each. */
  lookup(aliases: readonly string[]): Promise<string[][]>
  /** `null`: the index does not have it. Rejects with ERR_KMOD_NOT_FOUND where the file is gone. */
  describe(name: string): Promise<Description | null>
  describeFile(path: string): Promise<Description>
}

/** How a change to the kernel ended. */
export type ChangeEnd =
  | { outcome: 'done' }
  | { outcome: 'refused'; failure: NativeFailure }
  /** The kernel killed the process that made the call: an oops in the module's code. */
  | { outcome: 'killed'; signal: number }
  /** The helper is gone, and with it the news of how this ended. */
  | { outcome: 'lost' }

/** A removal or insertion that is under way, in a process of its own. */
export interface Change {
  /** Rejects only where no attempt could be made at all. */
  readonly ended: Promise<ChangeEnd>
  /** The process that is in the kernel, once it is. */
  readonly pid: number | undefined
  /** Modules whose insertion was begun, in order; `command`: by an install command. */
  readonly attempts: readonly { module: string; command: boolean }[]
  /** Where in the kernel that process is; `null`: not readable. */
  stack(): Promise<string | null>
  /** Ends the process if it is in user space (a command); what is inside the kernel stays there. */
  kill(): void
  /** From now on this change does not keep the Node process alive. */
  detach(): void
}

/** A `remove` command of modprobe.d that runs, in a process group of its own. */
export interface CommandRun {
  /** `exitCode` is null where a signal ended it. `output`: of both streams, at most 64 KiB. */
  readonly ended: Promise<{ exitCode: number | null; signal: string | null; output: string }>
  /** Ends the whole process group. */
  kill(): void
}

/** A mounted file system, in some mount namespace. */
export interface Mount {
  path: string
  source: string
  type: string
  /** A process that sees it there. */
  pid: number
  /** In the mount namespace of this process. */
  own: boolean
  /** `/` of this process's mount namespace, or of the first process's. */
  isRoot: boolean
  /** Which file system it is, the same for each of its mounts: `8:1`. */
  superblock: string
  /** The modules that provide the file-system type. */
  modules: string[]
  /** The modules of the devices that it lies on, all the way down. */
  below: string[]
}

/** A device that a process has open, or mapped into its memory. */
export interface OpenDevice {
  pid: number
  comm: string
  /** This process, or a child of it. */
  self: boolean
  path: string
  /** `null`: mapped. */
  fd: number | null
  /** The modules of which an open file of that device holds a reference. */
  modules: string[]
}

export interface NetworkInterface {
  name: string
  /** A path, or `pid:N`; `null`: the namespace of this process. */
  netns: string | null
  up: boolean
  /** The link kind, such as `bridge`; `null` for hardware. */
  type: string | null
  master: string | null
  /** Interfaces of the same namespace that it lies on: members of a bridge, the parent of a vlan. */
  lower: string[]
  hasDefaultRoute: boolean
  /** The modules that carry it: of its kind, or its driver and those of the buses above. */
  modules: string[]
}

export interface SwapArea {
  path: string
  /** The modules of its device, all the way down. */
  below: string[]
}

/** A device that a driver is bound to. Source: /sys/module/NAME/drivers. */
export interface BoundDevice {
  bus: string
  device: string
  driver: string
  /** The module of the driver. */
  module: string
}

/** A block device that is set up or in use. */
export interface BlockUse {
  /** Such as `/dev/loop0`. */
  path: string
  /** What it is made of and what uses it: a backing file, devices on top, mounts, swap. */
  usedBy: string[]
  /** The modules that provide the device itself. */
  modules: string[]
  /** Those of the controllers below it. */
  below: string[]
  /** How it is taken down, such as `losetup -d`; `null` where no one command does it. */
  release: { text: string; command: string[] | null }
}

/** Open sockets of one protocol, in all namespaces that could be read. */
export interface SocketUse {
  protocol: string
  count: number
  modules: string[]
}

/** Something with a name and a value that uses modules, and takes no more words than that. */
export interface NamedUse {
  kind:
    'crypto' | 'console' | 'sound' | 'netfilter' | 'traffic-control' | 'setting' | 'tty' | 'binfmt'
  name: string
  value: string
  modules: string[]
  /** What its existence is known to take of each module; `null`: not known. */
  references: number | null
  release: { text: string; command: string[] | null }
}

/** An established connection to another machine, by the interface that it goes through. */
export interface Session {
  netns: string | null
  interface: string
  /** The other end, such as `192.0.2.7:22`. */
  remote: string
}

/** A display that shows something. */
export interface Display {
  /** Such as `card0-eDP-1`. */
  name: string
  modules: string[]
}

/** A virtual machine that runs. */
export interface VirtualMachine {
  pid: number
  comm: string
  modules: string[]
}

/** What runs on the modules, as one picture. Source: /proc, /sys, rtnetlink. */
export interface Snapshot {
  mounts: Mount[]
  interfaces: NetworkInterface[]
  swaps: SwapArea[]
  sessions: Session[]
  displays: Display[]
  virtualMachines: VirtualMachine[]
  blocks: BlockUse[]
  /** None of the following where users were not asked for. */
  openDevices: OpenDevice[]
  devices: BoundDevice[]
  sockets: SocketUse[]
  named: NamedUse[]
  /** What could not be looked at. */
  unreadable: string[]
}

export interface InsertRequest {
  /** A name or alias, or the path of a .ko file. */
  what: string | { file: string }
  /** The one of the modules that an alias stands for, or the name inside the file. */
  module: string
  mustBeNew: boolean
  /** As text, for the module itself. */
  parameters: Record<string, string>
}

export interface KernelLog {
  /** What was logged since the last call; `lost`: records were overwritten before. */
  read(): Promise<{ messages: string[]; lost: boolean }>
  close(): void
}

/** References to one module, as they are taken and dropped. */
export interface ReferenceTrace {
  /**
   * The next event, in the kernel's order; `null` once it is closed. Rejects where the trace could
   * not be begun, or broke off. Only while one is waited for it keeps the Node process alive.
   */
  next(): Promise<ReferenceEvent | null>
  /** Resolves when nothing of the trace is left in the kernel. Never rejects. */
  close(): Promise<void>
}

export interface Clock {
  /** Milliseconds since some moment, never going back. */
  now(): number
  /** Resolves after `delay` milliseconds, or at once when the signal aborts. Never rejects. */
  sleep(delay: number, signal?: AbortSignal): Promise<void>
}

export interface KernelFacts extends Pick<Preflight, 'kernel' | 'capability' | 'libkmod'> {
  /** Why libkmod cannot be used, if it cannot. */
  libraryProblem: string | null
}

export interface Kernel {
  /** Another root than the running system: nothing can be changed. */
  readonly readOnly: boolean
  readonly index: ModuleIndex
  readonly clock: Clock
  /** The table of loaded modules, newest first, as one true picture. */
  table(): Promise<LoadedModule[]>
  /** One module's row of it. */
  row(name: string): Promise<LoadedModule | undefined>
  sysModules(names: readonly string[]): Promise<SysModule[]>
  /** `users`: besides what would stop working; that costs a look at every process. */
  snapshot(wanted: { users: boolean }): Promise<Snapshot>
  /** The parameters in /sys/module that can be read. */
  parameters(name: string): Promise<Map<string, string>>
  /** /sys/module/NAME/srcversion; `null`: it has none. */
  sourceVersion(name: string): Promise<string | null>
  facts(): Promise<KernelFacts>
  /** The bits of /proc/sys/kernel/tainted. */
  taints(): Promise<bigint>
  /** The log from now on; `null`: not readable by this process. */
  openLog(): Promise<KernelLog | null>
  remove(name: string, force: boolean): Change
  insert(request: InsertRequest): Change
  runCommand(module: string, command: string): CommandRun
  /** Begins at once, whether or not the module is loaded. Throws where this kernel has no such thing. */
  trace(name: string): ReferenceTrace
  /**
   * Tells that something changed which may end a wait: a module came or went, a mount, an interface.
   * Returns the end of it. Where the kernel cannot tell, nothing is ever told.
   */
  onChange(listener: () => void): () => void
}
