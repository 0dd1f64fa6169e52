/** The network interfaces of all namespaces, and the interfaces below each of them. */
import { inNamespace } from '../../kernel/net-namespace'
import type { NetworkInterface } from '../../kernel/network-facts'
import type { RawLink } from '../system/raw-survey'
import type { Sources } from '../system/sources'
import type { Sysfs } from '../system/sysfs'
import { addTo } from '../../kernel/lists'

/**
 * Link kinds that come in pairs: IFLA_LINK names the other end of the pair, not an interface below it.
 */
const PAIRS = new Set(['veth', 'netkit', 'vxcan'])

/**
 * The interface that each tunnel module creates in every network namespace, for packets that belong to
 * no other tunnel, by link kind. It exists as long as the module is loaded: the kernel ignores a request
 * to delete it. Source: the calls of ip_tunnel_init_net() in net/ipv4, and
 * ip6_tnl_init_net(), ip6gre_init_net(), vti6_init_net() and sit_init_net() in net/ipv6.
 */
const FALLBACKS: ReadonlyMap<string, string> = new Map([
  ['ipip', 'tunl0'],
  ['gre', 'gre0'],
  ['gretap', 'gretap0'],
  ['erspan', 'erspan0'],
  ['sit', 'sit0'],
  ['vti', 'ip_vti0'],
  ['ip6tnl', 'ip6tnl0'],
  ['ip6gre', 'ip6gre0'],
  ['vti6', 'ip6_vti0'],
])

export function isFallback({ type, name }: NetworkInterface): boolean {
  return type !== null && FALLBACKS.get(type) === name
}

export function readInterfaces(
  sources: Pick<Sources, 'raw' | 'sysfs' | 'aliases'>,
): Promise<NetworkInterface[]> {
  const { links, defaultRoutes } = sources.raw
  const byIndex = new Map(links.map((link) => [inNamespace(link.netns, link.index), link]))
  const routes = new Set(defaultRoutes.map(({ netns, index }) => inNamespace(netns, index)))
  const members = new Map<string, string[]>()
  for (const link of links) {
    if (link.master !== 0) addTo(members, inNamespace(link.netns, link.master), labelOf(link))
  }
  const pppoe = new Map(
    sources.raw.netFiles
      .filter(({ path }) => path === '/proc/net/pppoe')
      .map(({ netns, text }) => [netns, pppoeCards(text).map((card) => inNamespace(netns, card))]),
  )
  const nameOf = ({ netns }: RawLink, index: number): string | null =>
    index === 0 ? null : (byIndex.get(inNamespace(netns, index))?.name ?? null)

  return Promise.all(
    links.map(async (link): Promise<NetworkInterface> => {
      const key = inNamespace(link.netns, link.index)
      const kind = await kindOf(link, sources.sysfs)
      const hasParent = link.lower !== link.index && !PAIRS.has(link.kind ?? '')
      const indexes = [
        ...(hasParent && link.lower !== 0 ? [inNamespace(link.netns, link.lower)] : []),
        ...link.carriers.map(({ own, index }) => inNamespace(own ? null : link.netns, index)),
      ]
      const below = indexes.flatMap((index) => byIndex.get(index) ?? [])
      const cards = isPpp(link) ? (pppoe.get(link.netns) ?? []) : []
      const lower = [...(members.get(key) ?? []), ...below.map(labelOf), ...cards]
      return {
        name: link.name,
        netns: link.netns,
        up: link.up,
        type: kind,
        master: nameOf(link, link.master),
        lower: [...new Set(lower)],
        hasDefaultRoute: routes.has(key),
        modules: await modulesOf(link, kind, sources),
      }
    }),
  )
}

function labelOf({ netns, name }: RawLink): string {
  return inNamespace(netns, name)
}

function isPpp({ kind, name }: RawLink): boolean {
  return kind === 'ppp' || (kind === null && /^ppp\d+$/.test(name))
}

/**
 * The cards of all PPPoE sessions. The file does not show which PPP interface belongs to which session.
 * It has a heading, and rows "ID ADDRESS DEVICE". Source: pppoe_seq_show() in drivers/net/ppp/pppoe.c.
 */
function pppoeCards(text: string): string[] {
  return text
    .split('\n')
    .flatMap((row) => /^[0-9A-F]{8} +[0-9a-f:]{17} +(\S+)/.exec(row)?.[1] ?? [])
}

const L2TP = 'l2tpeth'

/**
 * The interface of an L2TP session has no link kind; /sys shows what it is, but only for the network
 * namespace of this process. Source: l2tpeth_type in net/l2tp/l2tp_eth.c.
 */
async function kindOf({ netns, name, kind }: RawLink, sysfs: Sysfs): Promise<string | null> {
  if (netns !== null || kind !== null) return kind
  const uevent = await sysfs.text(`/sys/class/net/${name}/uevent`)
  return uevent?.split('\n').includes(`DEVTYPE=${L2TP}`) ? L2TP : null
}

/** First the modules of the link kind, then those of the hardware, the nearest device first. */
async function modulesOf(
  link: RawLink,
  kind: string | null,
  sources: Pick<Sources, 'sysfs' | 'aliases'>,
): Promise<string[]> {
  if (kind === L2TP) return ['l2tp_eth']
  const [ofKind, ofHardware] = await Promise.all([
    kind === null ? [] : sources.aliases.ofLinkKind(kind),
    hardwareModules(link, sources),
  ])
  return [...new Set([...ofKind, ...ofHardware])]
}

async function hardwareModules(
  { netns, name, kind, bus, device }: RawLink,
  { sysfs }: Pick<Sources, 'sysfs'>,
): Promise<string[]> {
  // Kernels before 5.14 do not name the device in rtnetlink, and no kernel names one that is on no bus.
  // Then /sys/class/net is used, which shows the interfaces of one network namespace only.
  const paths = [
    ...(bus === null || device === null ? [] : [`/sys/bus/${bus}/devices/${device}`]),
    ...(netns === null && kind === null ? [`/sys/class/net/${name}`] : []),
  ]
  const folders = await Promise.all(paths.map((path) => sysfs.link(path)))
  const folder = folders.find((one) => one !== null)
  if (folder == null) return []
  const drivers = (await sysfs.drivers(folder)).flatMap(({ module }) => module ?? [])
  const creators = drivers[0] === undefined ? [] : await interfaceCreators(drivers[0], sysfs)
  return [...creators, ...drivers]
}

/**
 * The loaded modules that create the interfaces of a device in place of its driver: iwlmvm for iwlwifi,
 * mlx4_en for mlx4_core. /sys does not name them. They are recognized because they use the driver's
 * module and either register no driver, or drive an auxiliary device such as `mlx4_core.eth.0`. RDMA
 * modules also use the driver's module but create no network interface; they are recognized because
 * they use ib_core.
 */
async function interfaceCreators(driver: string, sysfs: Sysfs): Promise<string[]> {
  const holders = await sysfs.list(`/sys/module/${driver}/holders`)
  if (holders.length === 0) return []
  const [forRdma, devices] = await Promise.all([
    sysfs.list('/sys/module/ib_core/holders'),
    Promise.all(holders.map((holder) => driverFolders(holder, sysfs))),
  ])
  return holders.filter((holder, i) =>
    devices[i]!.length === 0
      ? !forRdma.includes(holder)
      : devices[i]!.flat().some((name) => /\.eth\.\d+$/.test(name)),
  )
}

/** The entries in the folder of each driver of a module, which include the names of its devices. */
async function driverFolders(module: string, sysfs: Sysfs): Promise<string[][]> {
  const folder = `/sys/module/${module}/drivers`
  const names = await sysfs.list(folder)
  return Promise.all(names.map((name) => sysfs.list(`${folder}/${name}`)))
}
