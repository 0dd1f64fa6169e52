/**
 * What depends on the modules of a system at one moment: the answer of Kernel.snapshot().
 *
 * A snapshot contains facts, each with the modules that it depends on, and counts as the kernel shows
 * them. lib/explain decides what a fact means for a reference count, and how a user releases a module;
 * lib/guard decides what would stop working without a module. lib/snapshot builds the snapshot.
 */
import type { User } from '../contract/types'
import type { NetNamespace } from './net-namespace'

export interface Snapshot extends Dependents, Users {
  /** What could not be read, and may therefore be missing. */
  unreadable: string[]
  /**
   * The questions that the system did not answer in time, with the message of the error. `unreadable` has
   * the messages too.
   */
  unanswered: { question: string; message: string }[]
  /** Users as a test describes them, for the simulated kernel (lib/testing); empty in any other. */
  given: User[]
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
  charsets: Charset[]
  algorithms: CryptoAlgorithm[]
  consoles: Console[]
  soundCards: SoundCard[]
  lineDisciplines: LineDiscipline[]
  binaryFormats: BinaryFormat[]
  xTables: XTable[]
  nfTables: NfTable[]
  trafficControls: TrafficControl[]
  trafficActions: TrafficActions[]
  tcpUses: TcpUse[]
  packetUses: PacketUse[]
  configItems: ConfigItem[]
  settings: NetworkSetting[]
}

/** A mounted file system, in one mount namespace. */
export interface Mount {
  /** The same number is in use only once on the whole system. */
  id: number
  /** The id of the mount that it is mounted on. */
  parent: number
  /**
   * An unmount of a mount with `sends` also unmounts every mount that has the same text in `receives`:
   * these are the copies that mount propagation made in other namespaces.
   */
  sends: string | null
  receives: string[]
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
  /** The superblock of the file system that a swap file lies on; `null` for a device. */
  fileOn: string | null
  /** How many times the kernel has opened its device; `null`: not known. */
  opens: number | null
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
  /** What it is in device-mapper; `null` for any other device. */
  mapping: Mapping | null
  /** Its backing file, or the process or server behind it; `null`: it consists of devices or memory. */
  madeOf: string | null
  /** The superblock of the file system that its backing file lies on. */
  fileOn: string | null
  /** The program that set it up, where that decides how it is detached: `qemu-nbd`, `nbd-client`. */
  setUpBy: string | null
  /** What uses it: devices above it, mount paths, `swap`. */
  usedBy: string[]
  /** The modules that provide the device itself, its driver first. */
  modules: string[]
  /** The modules of all devices below it, such as disk controllers. */
  below: string[]
}

/** A device of device-mapper. */
export interface Mapping {
  name: string
  uuid: string
  /**
   * How many segments of its tables, the active one and one that was only loaded, are of a type that
   * each module provides; `null`: not known.
   */
  segments: { module: string; count: number }[] | null
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

/** A process that has something open. */
export interface Holder {
  pid: number
  comm: string
  /** Whether it is this process or a child of it. */
  self: boolean
  /** Whether it is an ancestor of this process, or process 1. */
  ancestor: boolean
  /** Its systemd unit, such as `ssh.service`; `null`: systemd does not manage it. */
  unit: string | null
  /** Whether this process or an ancestor of it is in the same unit. */
  ownUnit: boolean
}

/** A file that a process has open or mapped and that refers to modules: in most cases a device. */
export interface OpenDevice extends Holder {
  path: string
  /** `null`: mapped into memory; of an unmounted file system: a folder or program in use. */
  fd: number | null
  /** Whether a descriptor before it leads to the same open file, which holds the references. */
  shared: boolean
  type: 'char' | 'block' | 'file'
  /**
   * What explains how many references an open file of it takes: for a character device the name of its
   * driver in /proc/devices (`misc`, `sg`), or `tty`; else `''`.
   */
  family: string
  /** As the kernel calls the device, such as `controlC0`; MAJOR:MINOR if /sys does not have it. */
  name: string
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
  /** As /proc/net/protocols names it; of netlink sockets with their family: `NETLINK 12`. */
  protocol: string
  /** Including those that no process holds. */
  count: number
  /** Those that processes have open; `null`: not known. */
  held: number | null
  processes: Holder[]
  modules: string[]
  /** The modules to which some of these sockets refer, but it is not known which ones. */
  ofSome: string[]
}

/** A table of characters that a mounted file system uses. */
export interface Charset {
  /** Such as `cp437` or `iso8859-1`. */
  name: string
  /** The device number of the file system. */
  superblock: string
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
  /** The network interfaces on terminals with it; `null`: it makes none, or another has its names. */
  interfaces: string[] | null
  modules: string[]
}

/** A binary format that is registered with binfmt_misc. */
export interface BinaryFormat {
  name: string
  interpreter: string
  modules: string[]
}

/** A table of iptables, ip6tables, arptables or ebtables that exists in the kernel. */
export interface XTable {
  netns: NetNamespace
  name: string
  /** The tool that shows it, such as `iptables`. */
  tool: string
  /** The module of the table, and whether it has rules; `null`: not known. */
  module: string
  hasRules: boolean | null
  hasPolicy: boolean
  /** The number of chains that a user created. */
  chains: number
  /** How many matches and targets of its rules each other module provides. */
  parts: { module: string; count: number }[]
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
  /** `null`: a filter of a block that several interfaces share. */
  interface: string | null
  isFilter: boolean
  /** Of a filter. */
  block: number
  chain: number
  priority: number
  protocol: number
  /** Such as `htb`, or `u32` for a filter. */
  kind: string
  /** As rtnetlink shows them. Handle 0: the kernel added it by default. */
  handle: number
  parent: number
  modules: string[]
}

/** The actions of one kind, such as `mirred`, in a network namespace. */
export interface TrafficActions {
  netns: NetNamespace
  kind: string
  count: number
  /** No filter of the namespace can use them, because it has no filters. */
  areUnused: boolean
  modules: string[]
}

/** TCP sockets of a network namespace that use a congestion control or upper layer protocol. */
export interface TcpUse {
  netns: NetNamespace
  /** Such as `bbr`, `tls`. */
  name: string
  count: number
  modules: string[]
}

/** What encrypts or distributes packets: a set, a service or states that take references. */
export interface PacketUse {
  netns: NetNamespace
  /** Such as `ipset NAME`, `ipvs TCP 10.0.0.1:80`, `xfrm esp`. */
  name: string
  /** What it is, such as `hash:ip`. */
  value: string
  count: number
  /** The argv that removes it, in its namespace. */
  remove: string[]
  /** What must be removed first, as phrases. */
  first: string[]
  modules: string[]
}

/** A folder that a user created in configfs. */
export interface ConfigItem {
  path: string
  /** Such as `usb_gadget`. */
  subsystem: string
  /** The paths of what must be removed before it. */
  first: string[]
  modules: string[]
  /** The modules, each once for each reference that the item takes. */
  references: string[]
}

/** A sysctl whose value names an algorithm that a module provides. */
export interface NetworkSetting {
  netns: NetNamespace
  name: 'net.ipv4.tcp_congestion_control' | 'net.core.default_qdisc'
  value: string
  modules: string[]
}
