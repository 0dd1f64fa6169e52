import type { NetworkInterface } from '../kernel/snapshot'
import type { Aliases } from './system/aliases'
import type { RawSurvey } from './system/raw'
import type { Sysfs } from './system/sysfs'

type Link = RawSurvey['links'][number]

/** The link of these is their other end, not what they lie on. */
const PAIRS = new Set(['veth', 'netkit', 'vxcan'])

/** The interfaces of all namespaces. */
export function readInterfaces(
  { links, defaultRoutes }: RawSurvey,
  sysfs: Sysfs,
  aliases: Aliases,
): Promise<NetworkInterface[]> {
  const place = (netns: string | null, index: number): string => `${netns ?? ''}\n${index}`
  const byPlace = new Map(links.map((link) => [place(link.netns, link.index), link]))
  const routes = new Set(defaultRoutes.map(({ netns, index }) => place(netns, index)))
  const members = new Map<string, string[]>()
  for (const { netns, master, name } of links) {
    const key = place(netns, master)
    members.set(key, [...(members.get(key) ?? []), name])
  }
  const named = ({ netns }: Link, index: number): string | null =>
    index === 0 ? null : (byPlace.get(place(netns, index))?.name ?? null)

  return Promise.all(
    links.map(async (link): Promise<NetworkInterface> => {
      const here = place(link.netns, link.index)
      const isOver = link.lower !== link.index && !PAIRS.has(link.kind ?? '')
      const parent = isOver ? named(link, link.lower) : null
      const lower = [...(members.get(here) ?? []), ...(parent === null ? [] : [parent])]
      return {
        name: link.name,
        netns: link.netns,
        up: link.up,
        type: link.kind,
        master: named(link, link.master),
        lower: [...new Set(lower)],
        hasDefaultRoute: routes.has(here),
        modules: await modulesOf(link, sysfs, aliases),
      }
    }),
  )
}

/** Of its kind; of its hardware, nearest first. */
async function modulesOf(link: Link, sysfs: Sysfs, aliases: Aliases): Promise<string[]> {
  const [ofKind, ofHardware] = await Promise.all([
    link.kind === null ? [] : aliases.ofLinkKind(link.kind),
    hardwareModules(link, sysfs),
  ])
  return [...new Set([...ofKind, ...ofHardware])]
}

async function hardwareModules(
  { netns, name, kind, bus, device }: Link,
  sysfs: Sysfs,
): Promise<string[]> {
  // A kernel before 5.14 does not tell the device, nor does any where that is on no bus; /sys shows it,
  // for one namespace.
  const paths = [
    ...(bus === null || device === null ? [] : [`/sys/bus/${bus}/devices/${device}`]),
    ...(netns === null && kind === null ? [`/sys/class/net/${name}`] : []),
  ]
  const folders = await Promise.all(paths.map((path) => sysfs.link(path)))
  const folder = folders.find((one) => one !== null)
  if (folder == null) return []
  return (await sysfs.drivers(folder)).flatMap(({ module }) => module ?? [])
}
