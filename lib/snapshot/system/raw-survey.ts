/**
 * The result of a survey of a system, which does not name modules yet. On the running system the helper
 * makes the survey (native/helper/survey.cc, read by lib/live/helper/survey.ts); on a captured system
 * lib/captured/captured-survey.ts makes it from files.
 *
 * A survey has what lib/snapshot cannot read from files by path: the mounts of all mount namespaces, the
 * answers of netlink and of iptables in all network namespaces, and the open files of all processes.
 */
import type { NetNamespace } from '../../kernel/net-namespace'

export interface RawSurvey {
  /** Whether the caller asked for users. If not, the lists marked "only with users" are empty. */
  users: boolean
  /** One for each mount namespace. */
  mountTables: RawMountTable[]
  /** The devices of device-mapper whose tables could be read. */
  mappings: RawMapping[]
  links: RawLink[]
  defaultRoutes: RawRoute[]
  addresses: RawAddress[]
  /** Those of the files in /proc/net and /proc/sys/net that exist, for each network namespace. */
  netFiles: RawNetFile[]
  /** Only with users. The disciplines that the kernel adds to every interface are left out. */
  trafficControl: RawTrafficControl[]
  /** Only with users, one for each network namespace. */
  actions: RawActions[]
  tcpUses: RawTcpUses[]
  /** The rules of the tables are included only with users. */
  nfTables: RawNfTable[]
  xTables: RawXTable[]
  ipSets: RawIpSet[]
  /** One for each network namespace. */
  ipsec: RawIpsec[]
  /** Only with users. */
  openDevices: RawOpenDevice[]
  /** Only with users. */
  openSockets: RawOpenSockets[]
  /** Only with users: the texts of /proc/PID/cgroup of this process and its ancestors. */
  ownCgroups: string[]
  /** Whether the open files of every process were read. */
  allProcessesRead: boolean
  /** What could not be read, each as a phrase. */
  unreadable: string[]
}

/** A survey that has read nothing. */
export function emptySurvey(users: boolean): RawSurvey {
  return {
    users,
    mountTables: [],
    mappings: [],
    links: [],
    defaultRoutes: [],
    addresses: [],
    netFiles: [],
    trafficControl: [],
    actions: [],
    tcpUses: [],
    nfTables: [],
    xTables: [],
    ipSets: [],
    ipsec: [],
    openDevices: [],
    openSockets: [],
    ownCgroups: [],
    allProcessesRead: false,
    unreadable: [],
  }
}

/** A device of device-mapper, and what its tables consist of. */
export interface RawMapping {
  /** MAJOR:MINOR. */
  device: string
  name: string
  /** Of the active table, and of one that was only loaded. */
  segments: RawSegment[]
}

export interface RawSegment {
  /** The type of the target, such as `linear`. */
  type: string
  /** What the target says of its state. */
  status: string
}

export interface RawMountTable {
  /** A process in the namespace. */
  pid: number
  /** Whether it is the namespace of this process. */
  own: boolean
  /** Whether it is the namespace of process 1. */
  first: boolean
  /** The text of /proc/PID/mountinfo. */
  text: string
}

/** A network interface, as rtnetlink describes it. */
export interface RawLink {
  netns: NetNamespace
  index: number
  name: string
  up: boolean
  kind: string | null
  /** The index of the bridge, bond or similar interface of which it is a member; 0: none. */
  master: number
  /**
   * IFLA_LINK, if it is in the same namespace: the index of the interface below, or of the other end of
   * a pair; 0: none.
   */
  lower: number
  /** Its parent device, /sys/bus/BUS/devices/DEVICE. */
  bus: string | null
  device: string | null
  /**
   * Further interfaces below it: those in other namespaces, and those through which the packets of a
   * tunnel are sent.
   */
  carriers: RawCarrier[]
}

/** An interface below another one. */
export interface RawCarrier {
  /**
   * true: it is in the network namespace of this process; false: in that of the interface above it.
   */
  own: boolean
  index: number
}

/** A default route, by the index of its interface. */
export interface RawRoute {
  netns: NetNamespace
  index: number
}

/** An address of an interface. */
export interface RawAddress {
  netns: NetNamespace
  index: number
  /** As inet_ntop(3) writes it. */
  address: string
}

export interface RawNetFile {
  netns: NetNamespace
  path: string
  text: string
}

/** A queueing discipline, or a filter on one. */
export interface RawTrafficControl {
  netns: NetNamespace
  /** The index of the interface. */
  index: number
  filter: boolean
  kind: string
  /** 0: the kernel added it by default. */
  handle: number
  parent: number
  /** Of a filter in a block that several interfaces share: the number of the block; else 0. */
  block: number
  /** Of a filter. */
  chain: number
  priority: number
  /** ETH_P_... */
  protocol: number
}

/** How many there are of what has a name. */
export interface RawCount {
  name: string
  count: number
}

/** How many actions of traffic control a network namespace has, by kind. */
export interface RawActions {
  netns: NetNamespace
  kinds: RawCount[]
}

/** How many TCP sockets of a network namespace use each congestion control and each upper layer. */
export interface RawTcpUses {
  netns: NetNamespace
  congestion: RawCount[]
  upper: RawCount[]
}

export interface RawNfTable {
  netns: NetNamespace
  /** NFPROTO_... in include/uapi/linux/netfilter.h. */
  family: number
  name: string
  chains: number
  rules: number
  /** What the table consists of, and how often: `{ kind: 'expression', name: 'ct', count: 2 }`. */
  parts: RawNfPart[]
}

export interface RawNfPart {
  kind: string
  name: string
  count: number
}

/** A table of iptables, ip6tables, arptables or ebtables. */
export interface RawXTable {
  netns: NetNamespace
  /** `ip`, `ip6`, `arp` or `bridge`. */
  family: string
  name: string
  /** The number of rules; the policies of chains are not counted. */
  rules: number
  /** Whether any chain has a policy other than ACCEPT. */
  hasPolicy: boolean
  /** The number of chains that a user created. */
  chains: number
  /** How often its rules use each match and each target. */
  extensions: RawCount[]
}

/** A set of ipset. */
export interface RawIpSet {
  netns: NetNamespace
  name: string
  /** Such as `hash:ip`. */
  type: string
  /** How many rules and lists use it. */
  references: number
}

/** The number of IPsec states and policies in a network namespace. */
export interface RawIpsec {
  netns: NetNamespace
  states: number
  policies: number
  /** Only with users. */
  protocols: RawIpsecProtocol[]
}

/** How many states there are of an address family (AF_...) and a protocol (IPPROTO_...). */
export interface RawIpsecProtocol {
  family: number
  protocol: number
  count: number
}

/** A process that has something open. */
export interface RawHolder {
  pid: number
  comm: string
  /** Whether it is this process or a child of it. */
  self: boolean
  /** Whether it is an ancestor of this process, or process 1. */
  ancestor: boolean
  /** The text of /proc/PID/cgroup; `''`: not known. */
  cgroups: string
}

/** A file that a process has open, a device that it has mapped, or a folder or program in use. */
export interface RawOpenDevice extends RawHolder {
  /** As /proc shows it. */
  path: string
  /** `null`: mapped into memory; of type `detached`: its working directory, root or program. */
  fd: number | null
  /**
   * Besides devices: the files of a virtual machine, those in /proc/net/rpc and in debugfs, and those
   * on a file system that is not mounted any more.
   */
  type: 'char' | 'block' | 'kvm' | 'proc' | 'debugfs' | 'detached'
  /** MAJOR:MINOR of the device; for the other types, of the file system. */
  device: string
  /** Whether a descriptor before it leads to the same open file. */
  shared: boolean
}

/** The open sockets of one protocol that a process holds. */
export interface RawOpenSockets extends RawHolder {
  /** As /proc/net/protocols names it. */
  protocol: string
  /** How many, without those that an earlier entry has counted for another process. */
  count: number
  /** Of protocol NETLINK: by which /proc/net/netlink lists them. */
  inodes: string[]
}
