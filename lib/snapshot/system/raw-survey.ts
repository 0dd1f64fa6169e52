/**
 * What a survey of a system delivers, before anything is known about modules. The helper does it on the
 * running system (native/helper/survey.cc, read by lib/live/helper/survey.ts); on a captured system
 * lib/captured/captured-survey.ts reads the same from files.
 *
 * It has what lib/snapshot cannot read as a file of one system: the mounts of all mount namespaces, the
 * answers of netlink and of iptables in all network namespaces, and the open files of all processes.
 */
import type { NetNamespace } from '../../kernel/net-namespace'

export interface RawSurvey {
  /** Whether the caller asked for users: if not, the lists that say so are empty. */
  users: boolean
  /** One for each mount namespace. */
  mountTables: RawMountTable[]
  links: RawLink[]
  defaultRoutes: RawRoute[]
  addresses: RawAddress[]
  /** The files of /proc/net and /proc/sys/net of each namespace, as far as they exist. */
  netFiles: RawNetFile[]
  /** Only with users. Without those that the kernel adds to every interface. */
  trafficControl: RawTrafficControl[]
  /** Their rules only with users. */
  nfTables: RawNfTable[]
  xTables: RawXTable[]
  ipSets: RawIpSet[]
  /** One for each network namespace. */
  ipsec: RawIpsec[]
  /** Only with users. */
  openDevices: RawOpenDevice[]
  /** Whether the open files of every process were read. */
  allProcessesRead: boolean
  /** What could not be read, each as a phrase. */
  unreadable: string[]
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
  /** The index of the bridge, bond or the like of which it is a member; 0: of none. */
  master: number
  /** The index of IFLA_LINK in the same namespace: what it lies on, or the other end of a pair; 0: none. */
  lower: number
  /** Its parent device, /sys/bus/BUS/devices/DEVICE. */
  bus: string | null
  device: string | null
  /** What else it lies on: interfaces of other namespaces, and the way of a tunnel's packets. */
  carriers: RawCarrier[]
}

/** An interface below another one. */
export interface RawCarrier {
  /** Whether it is in the network namespace of this process, and not in that of the other one. */
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
  /** Of the interface. */
  index: number
  filter: boolean
  kind: string
  /** 0: the kernel added it by default. */
  handle: number
  parent: number
}

export interface RawNfTable {
  netns: NetNamespace
  /** NFPROTO_... of include/uapi/linux/netfilter.h. */
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
  /** Without the policies of the chains. */
  rules: number
  /** The policy of a chain is not ACCEPT. */
  hasPolicy: boolean
}

/** A set of ipset. */
export interface RawIpSet {
  netns: NetNamespace
  name: string
  /** Such as `hash:ip`. */
  type: string
}

/** How many states and policies of IPsec a network namespace has. */
export interface RawIpsec {
  netns: NetNamespace
  states: number
  policies: number
}

/** A device file that a process has open or mapped. */
export interface RawOpenDevice {
  pid: number
  comm: string
  /** Whether it is this process or a child of it. */
  self: boolean
  path: string
  /** `null`: mapped into memory. */
  fd: number | null
  type: 'char' | 'block'
  /** MAJOR:MINOR. */
  device: string
}
