/** The network interfaces of /sys/class/net. Source: net/core/net-sysfs.c. */
import { posix } from 'node:path'
import type { RawLink, RawSurvey } from '../snapshot/system/raw-survey'
import type { Sysfs } from '../snapshot/system/sysfs'

/** IFF_UP and IFF_LOOPBACK in include/uapi/linux/if.h. */
const UP = 0x1
const LOOPBACK = 0x8

/** What the folder of one interface shows, before the other interfaces are known. */
interface Folder {
  name: string
  index: number
  flags: number
  kind: string | null
  master: string | null
  /** The links `lower_NAME`: the parent of a VLAN, and the members of a bridge or bond. */
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

/** For interfaces such as veth and dummy, whose kind only rtnetlink shows. */
function unknownKinds(folders: readonly Folder[]): string {
  const names = folders.map(({ name }) => name).join(', ')
  return `the kind of network interface ${names}: /sys does not show it`
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
  // bonding_masters is a file, not the folder of an interface.
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

/** The link kind of a virtual interface. A wireless interface is hardware, although it has a DEVTYPE. */
function kindOf(uevent: string | null, entries: readonly string[]): string | null {
  const type = /^DEVTYPE=(.+)$/m.exec(uevent ?? '')?.[1]
  if (type !== undefined) return type === 'wlan' ? null : type
  if (entries.includes('tun_flags')) return 'tun'
  if (entries.includes('bridge')) return 'bridge'
  return entries.includes('bonding') ? 'bond' : null
}

function toLink(folder: Folder, byName: ReadonlyMap<string, Folder>): RawLink {
  const { name, index, flags, kind, bus, device } = folder
  const indexOf = (other: string | null | undefined): number =>
    other == null ? 0 : (byName.get(other)?.index ?? 0)
  // The members of a bridge or bond have such links too; their own `master` tells that they are members.
  const parent = folder.lower.find((other) => byName.get(other)?.master !== name)
  return {
    netns: null,
    index,
    name,
    up: (flags & UP) !== 0,
    kind,
    master: indexOf(folder.master),
    lower: indexOf(parent),
    bus,
    device,
    // No file shows through which interface the packets of a tunnel leave.
    carriers: [],
  }
}
