/** The table of uses: interfaces, packet filters, traffic control and TCP. */
import { perl, testUses, type Holder, type Use } from '../use-table'

const flush =
  'for t in filter nat mangle; do iptables-legacy -t $t -F; iptables-legacy -t $t -X; done'
const rule = (line: string): string => `iptables-legacy ${line}`
const inTable = (name: string, references = 1): Use['user'] => ({
  kind: 'netfilter',
  name,
  value: 'iptables',
  references,
})

describe('interfaces', () => {
  /** The parameters without which the module creates interfaces itself. */
  const LOAD: Record<string, string[]> = {
    dummy: ['dummy', 'numdummies=0'],
    ifb: ['ifb', 'numifbs=0'],
  }
  const link = (module: string, type: string, what = 'an interface'): Use => ({
    module,
    what,
    load: LOAD[module] ?? [module],
    begin: `ip link add uses type ${type}`,
    end: 'ip link del uses',
    user: { kind: 'interface', name: 'uses', references: 0 },
    effects: ['disruptive interface:uses'],
  })
  const addVlan = 'ip link add uses5 link uses type vlan id 5'
  const fallback = (module: string, name: string): Use => ({
    module,
    what: `${name}, which cannot be deleted`,
    end: `ip link set ${name} down`,
    user: { kind: 'interface', name, references: 0 },
    effects: [],
    command: false,
  })
  testUses([
    link('dummy', 'dummy'),
    link('bridge', 'bridge'),
    link('ifb', 'ifb'),
    link('vxlan', 'vxlan id 7 dstport 4789'),
    link('vcan', 'vcan'),
    {
      ...link('8021q', 'dummy', 'a VLAN'),
      begin: `ip link add uses type dummy; ${addVlan}`,
      user: { kind: 'interface', name: 'uses5', references: 0 },
      effects: ['disruptive interface:uses5'],
    },
    {
      ...link('dummy', 'dummy', 'an interface below a VLAN'),
      begin: `ip link add uses type dummy; ${addVlan}`,
      command: false,
    },
    fallback('ipip', 'tunl0'),
    fallback('sit', 'sit0'),
    fallback('ip6_tunnel', 'ip6tnl0'),
    fallback('ip_vti', 'ip_vti0'),
    {
      ...fallback('ipip', 'tunl0'),
      what: 'tunl0 that is up',
      begin: 'ip link set tunl0 up',
      effects: ['disruptive interface:tunl0'],
      command: true,
    },
    {
      module: 'l2tp_eth',
      what: 'a session',
      begin:
        'ip link set lo up; ip l2tp add tunnel tunnel_id 1 peer_tunnel_id 1 encap ip local 127.0.0.1 remote 127.0.0.2; ip l2tp add session name uses tunnel_id 1 session_id 1 peer_session_id 1',
      end: 'ip l2tp del session tunnel_id 1 session_id 1; ip l2tp del tunnel tunnel_id 1',
      user: { kind: 'interface', name: 'uses', references: 1 },
      effects: ['disruptive interface:uses'],
      command: false,
    },
    {
      ...link('dummy', 'dummy', 'an interface in another namespace'),
      begin: 'ip netns add uses; ip -n uses link add uses type dummy',
      end: 'ip netns del uses',
      user: { kind: 'interface', name: 'uses', netns: '/run/netns/uses', references: 0 },
      effects: ['disruptive interface:/run/netns/uses/uses'],
    },
  ])
})

// Newer kernels may not have it.
describe('iptables', () => {
  const onTable = (name: string): string[] => [`critical firewall:ip ${name}`]
  const filter = (
    module: string,
    what: string,
    lines: readonly string[],
    references: number,
  ): Use => ({
    module,
    what,
    begin: lines.map(rule).join('; '),
    end: flush,
    user: inTable('filter', references),
    load: [module],
  })
  testUses([
    {
      ...filter('iptable_filter', 'a rule', ['-A INPUT -j ACCEPT'], 1),
      effects: onTable('filter'),
    },
    {
      ...filter('iptable_filter', 'a chain of a user', ['-N uses'], 1),
      effects: onTable('filter'),
      command: false,
    },
    {
      module: 'iptable_filter',
      what: 'a rule in another namespace',
      begin: 'ip netns add uses; ip netns exec uses iptables-legacy -A INPUT -j ACCEPT',
      end: 'ip netns del uses',
      user: inTable('/run/netns/uses/filter'),
      effects: ['critical firewall:/run/netns/uses/ip filter'],
    },
    {
      module: 'ip6table_filter',
      what: 'a rule',
      begin: 'ip6tables-legacy -A INPUT -j ACCEPT',
      end: 'ip6tables-legacy -F',
      user: { kind: 'netfilter', name: 'filter', value: 'ip6tables', references: 1 },
      effects: ['critical firewall:ip6 filter'],
    },
    {
      module: 'arptable_filter',
      what: 'a rule',
      begin: 'arptables-legacy -A INPUT -j DROP',
      end: 'arptables-legacy -F',
      user: { kind: 'netfilter', name: 'filter', value: 'arptables', references: 1 },
      effects: ['critical firewall:arp filter'],
    },
    {
      module: 'ebt_ip',
      what: 'a match',
      begin:
        'ip link add usesbr type bridge; ebtables-legacy -A INPUT -p IPv4 --ip-proto 6 -j ACCEPT',
      end: 'ebtables-legacy -F; ip link del usesbr',
      user: { kind: 'netfilter', name: 'filter', value: 'ebtables', references: 1 },
      notOn: ['newest'],
      needs: 'ebtables',
    },
    filter('xt_conntrack', 'a match', ['-A INPUT -m conntrack --ctstate NEW -j DROP'], 1),
    filter(
      'xt_multiport',
      'two matches',
      [
        '-A INPUT -p tcp -m multiport --dports 1,2 -j DROP',
        '-A INPUT -p tcp -m multiport --dports 3,4 -j DROP',
      ],
      2,
    ),
    filter(
      'xt_tcpudp',
      'two protocols',
      ['-A INPUT -p tcp --dport 1', '-A INPUT -p udp --dport 2'],
      2,
    ),
    filter('ipt_REJECT', 'a target', ['-A INPUT -j REJECT'], 1),
    filter('xt_LOG', 'a target', ['-A INPUT -j LOG'], 1),
    filter('nf_log_syslog', 'a logger', ['-A INPUT -j LOG'], 1),
    {
      ...filter('xt_MASQUERADE', 'a target', ['-t nat -A POSTROUTING -j MASQUERADE'], 1),
      user: inTable('nat'),
    },
    {
      ...filter('xt_mark', 'a target', ['-t mangle -A PREROUTING -j MARK --set-mark 1'], 1),
      user: inTable('mangle'),
    },
  ])
})

describe('sets, services and states', () => {
  const state = (version: string, from: string, to: string): string =>
    `ip ${version} xfrm state add src ${from} dst ${to} proto esp spi 1 mode transport enc 'ecb(cipher_null)' ''`
  const endStates = 'ip xfrm state deleteall'
  testUses([
    {
      module: 'ip_set_hash_ip',
      what: 'a set',
      begin: 'ipset create uses hash:ip',
      end: 'ipset destroy uses',
      user: { kind: 'netfilter', name: 'ipset uses', value: 'hash:ip', references: 1 },
      effects: ['critical firewall:ipset uses'],
    },
    {
      module: 'ip_set_hash_ip',
      what: 'a set that a list uses',
      begin: 'ipset create uses hash:ip; ipset create uses2 list:set; ipset add uses2 uses',
      end: 'ipset destroy uses2; ipset destroy uses',
      user: { kind: 'netfilter', name: 'ipset uses', references: 1 },
      effects: ['critical firewall:ipset uses'],
      command: false,
    },
    {
      module: 'ip_vs_rr',
      what: 'a service',
      begin: 'ipvsadm -A -t 10.0.0.1:80 -s rr',
      end: 'ipvsadm -C',
      user: { kind: 'netfilter', name: 'ipvs TCP 10.0.0.1:80', value: 'rr', references: 1 },
      effects: ['critical firewall:ipvs'],
    },
    {
      module: 'ip_vs',
      what: 'a service; a scheduler takes one more that nothing shows',
      load: ['-a', 'ip_vs', 'ip_vs_rr'],
      begin: 'ipvsadm -A -u 10.0.0.1:53 -s rr',
      end: 'ipvsadm -C',
      user: { kind: 'netfilter', name: 'ipvs UDP 10.0.0.1:53', references: 1 },
      effects: ['critical firewall:ipvs'],
      unexplained: 1,
    },
    {
      module: 'esp4',
      what: 'two states',
      load: ['-a', 'esp4', 'xfrm_user'],
      begin: `${state('', '10.0.0.1', '10.0.0.2')}; ${state('', '10.0.0.1', '10.0.0.3')}`,
      end: endStates,
      user: { kind: 'netfilter', name: 'xfrm esp', references: 2 },
      effects: ['critical firewall:xfrm'],
    },
    {
      module: 'esp6',
      what: 'a state',
      load: ['-a', 'esp6', 'xfrm_user'],
      begin: state('-6', 'fd00::1', 'fd00::2'),
      end: endStates,
      user: { kind: 'netfilter', name: 'xfrm esp', references: 1 },
      effects: ['critical firewall:xfrm'],
    },
  ])
})

describe('traffic control', () => {
  const add = 'ip link add uses type dummy; ip link set uses up'
  const end = 'tc actions flush action gact; tc actions flush action mirred; ip link del uses'
  const htb =
    'tc qdisc add dev uses root handle 1: htb; tc class add dev uses parent 1: classid 1:1 htb rate 1mbit; tc class add dev uses parent 1:1 classid 1:10 htb rate 1mbit'
  const use = (module: string, what: string, begin: string, value: string, name = 'uses'): Use => ({
    module,
    what,
    begin: `${add}; ${begin}`,
    end,
    user: { kind: 'traffic-control', name, value, references: 1 },
  })
  testUses([
    use('sch_htb', 'the root discipline', htb, 'htb'),
    use(
      'sch_tbf',
      'a discipline below a class',
      `${htb}; tc qdisc add dev uses parent 1:10 handle 20: tbf rate 1mbit burst 10kb latency 50ms`,
      'tbf',
    ),
    {
      ...use('sch_htb', 'stays if one below a class is deleted', htb, 'htb'),
      begin: `${add}; ${htb}; tc qdisc add dev uses parent 1:10 handle 20: sfq; tc qdisc del dev uses parent 1:10 handle 20:`,
    },
    use('sch_ingress', 'clsact', 'tc qdisc add dev uses clsact', 'clsact'),
    use(
      'cls_u32',
      'a filter of a discipline',
      `${htb}; tc filter add dev uses parent 1: protocol ip prio 7 u32 match ip dst 192.0.2.1/32 flowid 1:1`,
      'filter u32',
    ),
    use(
      'cls_matchall',
      'a filter of a class',
      `${htb}; tc filter add dev uses parent 1:1 protocol ip matchall flowid 1:10`,
      'filter matchall',
    ),
    use(
      'cls_flower',
      'a filter of a chain',
      `${htb}; tc filter add dev uses parent 1: chain 5 protocol ipv6 flower classid 1:1`,
      'filter flower',
    ),
    use(
      'cls_matchall',
      'a filter of a shared block',
      'tc qdisc add dev uses ingress_block 22 clsact; tc filter add block 22 protocol all matchall action drop',
      'filter matchall',
      'block 22',
    ),
    use(
      'act_gact',
      'an action',
      'tc actions add action gact pass index 9',
      'action gact',
      'actions',
    ),
    {
      ...use(
        'act_mirred',
        'an action of a filter',
        'tc qdisc add dev uses clsact; tc filter add dev uses ingress matchall action mirred egress mirror dev lo',
        'action mirred',
        'actions',
      ),
      command: false,
    },
  ])
})

describe('TCP', () => {
  /** A connection to itself, whose client has the option of TCP. Without bind(), each side has a free port. */
  const connection = (option: string): Holder =>
    perl(`socket(L, 2, 1, 6) && listen(L, 1) && socket(C, 2, 1, 6) && connect(C, getsockname(L)) or die $!;
setsockopt(C, 6, ${option}) or die $!`)
  const socket = (module: string, option: string, name: string): Use => ({
    module,
    what: 'a socket',
    load: ['-a', module, 'tcp_diag'],
    begin: 'ip link set lo up',
    process: connection(option),
    // The kernel's list of these sockets does not name processes.
    user: { kind: 'socket', protocol: `TCP with ${name}`, count: 1, references: 1, processes: [] },
    command: false,
  })
  testUses([
    socket('tls', '31, "tls"', 'tls'),
    socket('tcp_bbr', '13, "bbr"', 'bbr'),
    {
      module: 'tcp_bbr',
      what: 'the default',
      begin: 'sysctl -w net.ipv4.tcp_congestion_control=bbr',
      end: 'sysctl -w net.ipv4.tcp_congestion_control=cubic',
      user: { kind: 'setting', name: 'net.ipv4.tcp_congestion_control', references: 1 },
    },
    {
      module: 'sch_fq',
      what: 'the default',
      begin: 'sysctl -w net.core.default_qdisc=fq',
      end: 'sysctl -w net.core.default_qdisc=pfifo_fast',
      user: { kind: 'setting', name: 'net.core.default_qdisc', value: 'fq', references: 1 },
    },
  ])
})
