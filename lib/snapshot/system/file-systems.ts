/**
 * The dependencies of a mounted file system other than block devices: modules, virtio devices, folders.
 */
import type { Aliases } from './aliases'
import { unescapeOctal, type MountLine } from './mount-tables'
import type { Sysfs } from './sysfs'

/**
 * The modules that provide a mounted file system, that of its type first. It has a reference to each.
 */
export async function fileSystemModules(mount: MountLine, aliases: Aliases): Promise<string[]> {
  const [ofType, others] = await Promise.all([
    aliases.ofFileSystem(mount.type),
    modulesOfOptions(mount, aliases),
  ])
  return [...new Set([...ofType, ...others])]
}

/** The modules that the options choose: the version of NFS, the transport of 9p. */
async function modulesOfOptions({ type, options }: MountLine, aliases: Aliases): Promise<string[]> {
  // Source: get_nfs_version() in fs/nfs/client.c.
  const version = /(?:^|,)vers=([234])/.exec(options)?.[1]
  if (/^nfs4?$/.test(type) && version !== undefined) return [`nfsv${version}`]
  const transport = type === '9p' ? transportOf(options) : undefined
  return transport === undefined ? [] : aliases.of9pTransport(transport)
}

/** Source: p9_show_client_options() in net/9p/client.c. */
function transportOf(options: string): string | undefined {
  return /(?:^|,)trans=(\w+)/.exec(options)?.[1]
}

/** The virtio devices through which a hypervisor shares the folder that is mounted. */
export async function sharedFolderDevices(
  { type, source, options }: MountLine,
  sysfs: Sysfs,
): Promise<string[]> {
  if (type === '9p' && transportOf(options) === 'virtio') {
    const devices = await boundTo('9pnet_virtio', sysfs)
    const tags = await Promise.all(devices.map((device) => sysfs.text(`${device}/mount_tag`)))
    // The text may end with a NUL byte. Source: p9_mount_tag_show() in net/9p/trans_virtio.c.
    return devices.filter((_, i) => tags[i]?.replace(/\0.*$/s, '') === source)
  }
  // Only newer kernels show the tag of each device, so every device is assumed to be in use.
  return type === 'virtiofs' ? boundTo('virtiofs', sysfs) : []
}

async function boundTo(driver: string, sysfs: Sysfs): Promise<string[]> {
  const folder = `/sys/bus/virtio/drivers/${driver}`
  const devices = (await sysfs.list(folder)).filter((name) => /^virtio\d+$/.test(name))
  const targets = await Promise.all(devices.map((name) => sysfs.link(`${folder}/${name}`)))
  return targets.filter((target) => target !== null)
}

/** `lowerdir+` and `datadir+` name one folder each; the other options have colons between folders. */
const OVERLAY_FOLDERS = /^(lowerdir|upperdir|lowerdir\+|datadir\+)=(.*)$/s

/**
 * The folders of which an overlay file system consists, as written in its options. A path may be
 * relative; then it is not known which folder it is relative to. Source: ovl_show_options() in
 * fs/overlayfs.
 */
export function overlayFolders(options: string): string[] {
  return options.split(',').flatMap((option) => {
    const [, key, value] = OVERLAY_FOLDERS.exec(option) ?? []
    if (key === undefined || value === undefined) return []
    const text = unescapeOctal(value)
    // A colon that belongs to a path is escaped.
    const folders = key === 'lowerdir' ? text.split(/(?<!\\):/) : [text]
    // Data-only layers follow two colons, so that the text between these is empty.
    return folders
      .map((folder) => folder.replace(/\\([:\\])/g, '$1'))
      .filter((folder) => folder !== '')
  })
}
