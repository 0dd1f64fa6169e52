/** What runs on the modules, as one picture: the answer of Kernel.snapshot(). */

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
