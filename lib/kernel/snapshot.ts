/**
 * What depends on the modules of a system at one moment: the answer of Kernel.snapshot().
 *
 * A snapshot contains facts, each with the modules that it depends on, and counts as the kernel shows
 * them. lib/explain decides what a fact means for a reference count, and how a user releases a module;
 * lib/guard decides what would stop working without a module. lib/snapshot builds the snapshot.
 */
import type { NetNamespace } from './net-namespace'

export interface Snapshot extends Dependents, Users {
  /** What could not be read, and may therefore be missing. */
  unreadable: string[]
  /** Whether the open files of every process were read. False unless the caller asked for users. */
  allProcessesRead: boolean
}

/** What would stop working without modules. */
export interface Dependents {
  mounts: Mount[]
  interfaces: NetworkInterface[]
  swaps: SwapArea[]
  sessions: Session[]
  displays: Display[]
  virtualMachines: VirtualMachine[]
  blocks: BlockDevice[]
  firewalls: Firewall[]
  keyboards: Keyboard[]
  boundDevices: BoundDevice[]
}

/**
 * The users of modules that the guard does not need. Every list is empty unless the caller asked for
 * users.
 */
export interface Users {
  openDevices: OpenDevice[]
  sockets: SocketUse[]
  algorithms: CryptoAlgorithm[]
  consoles: Console[]
  soundCards: SoundCard[]
  lineDisciplines: LineDiscipline[]
  binaryFormats: BinaryFormat[]
  xTables: XTable[]
  nfTables: NfTable[]
  trafficControls: TrafficControl[]
  settings: NetworkSetting[]
}

/** A mounted file system, in one mount namespace. */
export interface Mount {
  path: string
  source: string
  type: string
  /** A process that sees the mount at `path`. */
  pid: number
  /** Whether it is in the mount namespace of this process. */
  own: boolean
  /** Whether it is `/` of the mount namespace of this process or of process 1. */
  isRoot: boolean
  /** The device number of the file system, such as `8:1`: the same for all its mounts. */
  superblock: string
  /** The folder of the file system that is mounted; `/` unless it is a part of it. */
  root: string
  /** The options of the mount and of the file system, as the kernel writes them. */
  options: string
  /** The modules that provide the file-system type. */
  modules: string[]
  /** The modules of all devices and file systems below it. */
  below: string[]
}

export interface NetworkInterface {
  name: string
  netns: NetNamespace
  up: boolean
  /** The link kind, such as `bridge`; `null` for hardware. */
  type: string | null
  /** The bridge, bond or similar interface of which it is a member. */
  master: string | null
  /**
   * The labels of the interfaces below it: the members of a bridge, the parent of a VLAN, the
   * interface through which the packets of a tunnel leave. They may be in another namespace.
   */
  lower: string[]
  hasDefaultRoute: boolean
  /** The modules of its link kind, or of its driver and the buses above that. */
  modules: string[]
}

export interface SwapArea {
  path: string
  /** The modules of its device, or of the file system of its file, and of all devices below. */
  below: string[]
}

/** An established TCP connection to another machine. */
export interface Session {
  netns: NetNamespace
  /** The interface that has the local address of the connection. */
  interface: string
  /** The remote address and port, such as `192.0.2.7:22`. */
  remote: string
}

/** A display that shows a picture. */
export interface Display {
  /** Such as `card0-eDP-1`. */
  name: string
  modules: string[]
}

/** A running KVM virtual machine. */
export interface VirtualMachine {
  pid: number
  comm: string
  modules: string[]
}

/** A block device (a whole disk) that is set up or in use. */
export interface BlockDevice {
  /** Such as `/dev/loop0`. */
  path: string
  /** Its name and UUID in device-mapper; `null` for any other device. */
  mapping: { name: string; uuid: string } | null
  /** First its backing file or process, then what uses it: devices above it, mount paths, `swap`. */
  usedBy: string[]
  /** The modules that provide the device itself, its driver first. */
  modules: string[]
  /** The modules of all devices below it, such as disk controllers. */
  below: string[]
}

/** Rules that filter, redirect or encrypt the packets of a network namespace. */
export interface Firewall {
  netns: NetNamespace
  /** Such as `inet fw`, a table; `ipset NAME`, `ipvs`, `xfrm`. */
  subject: string
  /** What it consists of, such as `table inet fw of nftables with 3 chains`. */
  what: string
  /** The modules without which it does not exist, or does not work. */
  modules: string[]
}

/** A keyboard with letters, which is connected. */
export interface Keyboard {
  /** Such as `input3`. */
  input: string
  /** Such as `AT Translated Set 2 keyboard`. */
  name: string
  /** The drivers of the keyboard and of what it is connected to. */
  modules: string[]
}

/** A device file that a process has open or mapped. */
export interface OpenDevice {
  pid: number
  comm: string
  /** Whether it is this process or a child of it. */
  self: boolean
  path: string
  /** `null`: mapped into memory. */
  fd: number | null
  /** The modules to which an open file of that device holds a reference. */
  modules: string[]
}

/** A device that is bound to a driver. */
export interface BoundDevice {
  bus: string
  device: string
  driver: string
  modules: string[]
}

/** The open sockets of one protocol, in all network namespaces together. */
export interface SocketUse {
  protocol: string
  count: number
  modules: string[]
}

/** An algorithm of the kernel's crypto API that is registered. */
export interface CryptoAlgorithm {
  /** Such as `cbc(aes)`. */
  name: string
  /** The implementation, such as `cbc-aes-aesni`. */
  driver: string
  /** As /proc/crypto shows it. */
  refCount: number
  modules: string[]
}

/** A frame buffer that shows the text console. */
export interface Console {
  /** Such as `fb0`. */
  buffer: string
  /** Such as `vtcon1`. */
  console: string
  /** Whether the frame buffer belongs to a DRM driver. */
  isDrm: boolean
  modules: string[]
}

export interface SoundCard {
  index: number
  id: string
  /** The processes that have a stream of it open. */
  pids: number[]
  modules: string[]
}

/** A line discipline for terminals that is registered. */
export interface LineDiscipline {
  name: string
  number: number
  modules: string[]
}

/** A binary format that is registered with binfmt_misc. */
export interface BinaryFormat {
  name: string
  interpreter: string
  modules: string[]
}

/** A table of iptables, ip6tables or arptables that exists in the kernel. */
export interface XTable {
  netns: NetNamespace
  name: string
  /** The tool that shows it, such as `iptables`. */
  tool: string
  modules: string[]
}

/** A table of nftables. */
export interface NfTable {
  netns: NetNamespace
  /** As nft writes it: `inet`. */
  family: string
  name: string
  chains: number
  rules: number
  /**
   * How many parts of the table (expressions, objects, hooks and others) each module provides, nf_tables
   * first; `null`: not known, because the module index cannot be read.
   */
  parts: { module: string; count: number | null }[]
}

/** A queueing discipline of a network interface, or a filter on one. */
export interface TrafficControl {
  netns: NetNamespace
  interface: string
  isFilter: boolean
  /** Such as `htb`, or `u32` for a filter. */
  kind: string
  /** As rtnetlink shows them. Handle 0: the kernel added it by default. */
  handle: number
  parent: number
  modules: string[]
}

/** A sysctl whose value names an algorithm that a module provides. */
export interface NetworkSetting {
  netns: NetNamespace
  name: 'net.ipv4.tcp_congestion_control' | 'net.core.default_qdisc'
  value: string
  modules: string[]
}
