/** The network interfaces of all namespaces, and how they lie on each other. */
import { inNamespace } from '../../kernel/net-namespace'
import type { NetworkInterface } from '../../kernel/snapshot'
import type { RawLink } from '../system/raw-survey'
import type { Sources } from '../system/sources'

/** The two ends of a pair: IFLA_LINK of one is the other, which it does not lie on. */
const PAIRS = new Set(['veth', 'netkit', 'vxcan'])

export function readInterfaces(
  sources: Pick<Sources, 'raw' | 'sysfs' | 'aliases'>,
): Promise<NetworkInterface[]> {
  const { links, defaultRoutes } = sources.raw
  const byIndex = new Map(links.map((link) => [inNamespace(link.netns, link.index), link]))
  const routes = new Set(defaultRoutes.map(({ netns, index }) => inNamespace(netns, index)))
  const members = new Map<string, string[]>()
  for (const { netns, master, name } of links) {
    const key = inNamespace(netns, master)
    members.set(key, [...(members.get(key) ?? []), name])
  }
  const nameOf = ({ netns }: RawLink, index: number): string | null =>
    index === 0 ? null : (byIndex.get(inNamespace(netns, index))?.name ?? null)

  return Promise.all(
    links.map(async (link): Promise<NetworkInterface> => {
      const key = inNamespace(link.netns, link.index)
      const hasParent = link.lower !== link.index && !PAIRS.has(link.kind ?? '')
      const parent = hasParent ? nameOf(link, link.lower) : null
      const lower = [...(members.get(key) ?? []), ...(parent === null ? [] : [parent])]
      return {
        name: link.name,
        netns: link.netns,
        up: link.up,
        type: link.kind,
        master: nameOf(link, link.master),
        lower: [...new Set(lower)],
        hasDefaultRoute: routes.has(key),
        modules: await modulesOf(link, sources),
      }
    }),
  )
}

/** First of the link kind, then of the hardware, nearest first. */
async function modulesOf(
  link: RawLink,
  sources: Pick<Sources, 'sysfs' | 'aliases'>,
): Promise<string[]> {
  const [ofKind, ofHardware] = await Promise.all([
    link.kind === null ? [] : sources.aliases.ofLinkKind(link.kind),
    hardwareModules(link, sources),
  ])
  return [...new Set([...ofKind, ...ofHardware])]
}

async function hardwareModules(
  { netns, name, kind, bus, device }: RawLink,
  { sysfs }: Pick<Sources, 'sysfs'>,
): Promise<string[]> {
  // rtnetlink does not name the device in kernels before 5.14, nor one that is on no bus. Then /sys does,
  // which shows the interfaces of one namespace only.
  const paths = [
    ...(bus === null || device === null ? [] : [`/sys/bus/${bus}/devices/${device}`]),
    ...(netns === null && kind === null ? [`/sys/class/net/${name}`] : []),
  ]
  const folders = await Promise.all(paths.map((path) => sysfs.link(path)))
  const folder = folders.find((one) => one !== null)
  if (folder == null) return []
  return (await sysfs.drivers(folder)).flatMap(({ module }) => module ?? [])
}
