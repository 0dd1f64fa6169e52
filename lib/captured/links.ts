/** The network interfaces of /sys/class/net. Source: net/core/net-sysfs.c. */
import { posix } from 'node:path'
import type { RawSurvey } from '../snapshot/system/raw'
import type { Sysfs } from '../snapshot/system/sysfs'

type Link = RawSurvey['links'][number]

/** IFF_UP and IFF_LOOPBACK in include/uapi/linux/if.h. */
const UP = 0x1
const LOOPBACK = 0x8

/** What /sys says about an interface, before the others are known. */
interface Folder {
  name: string
  index: number
  flags: number
  kind: string | null
  master: string | null
  /** `lower_NAME`: what a vlan lies on, and the members of a bridge or bond. */
  lower: string[]
  bus: string | null
  device: string | null
}

export async function capturedLinks(
  sysfs: Sysfs,
): Promise<Pick<RawSurvey, 'links' | 'unreadable'>> {
  const names = await sysfs.list('/sys/class/net')
  const read = await Promise.all(names.map((name) => readFolder(sysfs, name)))
  const folders = read.filter((folder) => folder !== null)
  if (folders.length === 0) {
    return { links: [], unreadable: ['network interfaces: /sys/class/net was not captured'] }
  }
  const byName = new Map(folders.map((folder) => [folder.name, folder]))
  const links = folders.map((folder) => toLink(folder, byName))
  const unknown = folders.filter(
    ({ kind, device, flags }) => kind === null && device === null && (flags & LOOPBACK) === 0,
  )
  return { links, unreadable: unknown.length === 0 ? [] : [unknownKinds(unknown)] }
}

/** As with veth and dummy: rtnetlink would tell. */
function unknownKinds(folders: readonly Folder[]): string {
  const names = folders.map(({ name }) => name).join(', ')
  return `the kind of network interface ${names}: /sys does not tell it`
}

async function readFolder(sysfs: Sysfs, name: string): Promise<Folder | null> {
  const folder = `/sys/class/net/${name}`
  const target = async (link: string): Promise<string | null> => {
    const path = await sysfs.link(`${folder}/${link}`)
    return path === null ? null : posix.basename(path)
  }
  const [entries, ifindex, flags, master, device, bus] = await Promise.all([
    sysfs.list(folder),
    sysfs.text(`${folder}/ifindex`),
    sysfs.text(`${folder}/flags`),
    target('master'),
    target('device'),
    target('device/subsystem'),
  ])
  // There is a file beside the folders, bonding_masters.
  if (ifindex === null) return null
  return {
    name,
    index: Number(ifindex),
    flags: Number(flags ?? 0),
    kind: device === null ? kindOf(await sysfs.text(`${folder}/uevent`), entries) : null,
    master,
    lower: entries.flatMap((entry) => /^lower_(.+)$/.exec(entry)?.[1] ?? []),
    bus,
    device,
  }
}

/** Of a virtual interface. Of wlan, the hardware is the kind. */
function kindOf(uevent: string | null, entries: readonly string[]): string | null {
  const type = /^DEVTYPE=(.+)$/m.exec(uevent ?? '')?.[1]
  if (type !== undefined) return type === 'wlan' ? null : type
  if (entries.includes('tun_flags')) return 'tun'
  if (entries.includes('bridge')) return 'bridge'
  return entries.includes('bonding') ? 'bond' : null
}

function toLink(folder: Folder, byName: ReadonlyMap<string, Folder>): Link {
  const { name, index, flags, kind, bus, device } = folder
  const indexOf = (other: string | null | undefined): number =>
    other == null ? 0 : (byName.get(other)?.index ?? 0)
  // A member has its master itself.
  const under = folder.lower.find((other) => byName.get(other)?.master !== name)
  return {
    netns: null,
    index,
    name,
    up: (flags & UP) !== 0,
    kind,
    master: indexOf(folder.master),
    lower: indexOf(under),
    bus,
    device,
  }
}
