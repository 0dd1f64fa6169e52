/** What a file system takes besides its type's module: the way to whoever serves it. */
import type { Aliases } from './aliases'
import type { MountLine } from './mountinfo'
import type { Sysfs } from './sysfs'

/** The modules that provide a mounted file system, its type's first. Each has a reference of it. */
export async function fileSystemModules(mount: MountLine, aliases: Aliases): Promise<string[]> {
  const [ofType, besides] = await Promise.all([
    aliases.ofFileSystem(mount.type),
    besidesType(mount, aliases),
  ])
  return [...new Set([...ofType, ...besides])]
}

async function besidesType({ type, options }: MountLine, aliases: Aliases): Promise<string[]> {
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

/** The devices through which a hypervisor shares a folder. */
export async function sharedFolderDevices(
  { type, source, options }: MountLine,
  sysfs: Sysfs,
): Promise<string[]> {
  if (type === '9p' && transportOf(options) === 'virtio') {
    const devices = await boundTo('9pnet_virtio', sysfs)
    const tags = await Promise.all(devices.map((device) => sysfs.text(`${device}/mount_tag`)))
    // The kernel gives the NUL at its end too. Source: p9_mount_tag_show() in net/9p/trans_virtio.c.
    return devices.filter((_, i) => tags[i]?.replace(/\0.*$/s, '') === source)
  }
  // Which of several it is only newer kernels tell.
  return type === 'virtiofs' ? boundTo('virtiofs', sysfs) : []
}

async function boundTo(driver: string, sysfs: Sysfs): Promise<string[]> {
  const folder = `/sys/bus/virtio/drivers/${driver}`
  const devices = (await sysfs.list(folder)).filter((name) => /^virtio\d+$/.test(name))
  const targets = await Promise.all(devices.map((name) => sysfs.link(`${folder}/${name}`)))
  return targets.filter((target) => target !== null)
}
