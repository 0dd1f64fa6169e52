/**
 * What depends on the modules of a system at one moment: the answer of Kernel.snapshot().
 *
 * A snapshot contains facts, each with the modules that it depends on, and counts as the kernel shows
 * them. lib/explain decides what a fact means for a reference count, and how a user releases a module;
 * lib/guard decides what would stop working without a module. lib/snapshot builds the snapshot. The facts
 * about network namespaces are in network-facts.ts.
 */
import type { User } from '../contract/types'
import type {
  Firewall,
  NetworkInterface,
  NetworkSetting,
  NfTable,
  PacketUse,
  Session,
  TcpUse,
  TrafficActions,
  TrafficControl,
  XTable,
} from './network-facts'

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

export interface SwapArea {
  path: string
  /** The superblock of the file system that a swap file lies on; `null` for a device. */
  fileOn: string | null
  /** How many times the kernel has opened its device; `null`: not known. */
  opens: number | null
  /** The modules of its device, or of the file system of its file, and of all devices below. */
  below: string[]
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
