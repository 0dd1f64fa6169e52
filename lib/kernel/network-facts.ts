/** The facts of a Snapshot about network namespaces: interfaces, connections, rules and settings. */
import type { NetNamespace } from './net-namespace'

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

/** An established TCP connection to another machine. */
export interface Session {
  netns: NetNamespace
  /** The interface that has the local address of the connection. */
  interface: string
  /** The remote address and port, such as `192.0.2.7:22`. */
  remote: string
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

/** A sysctl whose value names an algorithm that a module provides. */
export interface NetworkSetting {
  netns: NetNamespace
  name: 'net.ipv4.tcp_congestion_control' | 'net.core.default_qdisc'
  value: string
  modules: string[]
}
