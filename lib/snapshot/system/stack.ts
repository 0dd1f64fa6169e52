/**
 * Everything below a mount or a block device, down to the buses: partitions, device-mapper, RAID, loop
 * devices, and the file systems that contain the backing files of these.
 */
import type { Aliases } from './aliases'
import type { BlockDevices } from './block-devices'
import { fileSystemModules, overlayFolders, sharedFolderDevices } from './file-systems'
import type { MountLine, MountTables } from './mount-tables'
import type { Sysfs } from './sysfs'

/** A block device by its folder below /sys/devices, or a file system by one of its mounts. */
export type Place = string | MountLine

interface Layer {
  modules: string[]
  below: Place[]
}

/**
 * What every user can mount in a user namespace. It is on no device, and its source is any text, also a
 * path into a file system that never answers. Source: FS_USERNS_MOUNT in the kernel.
 */
const MOUNTED_BY_USERS =
  /^(tmpfs|ramfs|overlay|proc|sysfs|mqueue|devpts|cgroup2?|bpf|binfmt_misc|fuse(\..*)?)$/

export class Stack {
  readonly #layers = new Map<string, Promise<Layer>>()
  /** The mount paths of overlays with a folder whose file system is not known. */
  readonly #incompleteOverlays = new Set<string>()

  constructor(
    private readonly sysfs: Sysfs,
    private readonly devices: BlockDevices,
    private readonly mountTables: MountTables,
    private readonly aliases: Aliases,
  ) {}

  /** The modules of these places and of all below them, each once. */
  async modules(places: readonly Place[]): Promise<string[]> {
    const modules = new Set<string>()
    const seen = new Set<string>()
    let layer: readonly Place[] = places
    while (layer.length > 0) {
      const fresh = layer.filter((place) => !seen.has(key(place)))
      for (const place of fresh) seen.add(key(place))
      const found = await Promise.all(fresh.map((place) => this.#layer(place)))
      for (const module of found.flatMap((one) => one.modules)) modules.add(module)
      layer = found.flatMap((one) => one.below)
    }
    return [...modules]
  }

  /** The modules of everything below a mount, without those that provide its file system. */
  async below(mount: MountLine): Promise<string[]> {
    return this.modules((await this.#layer(mount)).below)
  }

  /** The mount that a file is on, as a list of at most one place. */
  ofFile(path: string): MountLine[] {
    const mount = this.mountTables.covering(path)
    return mount === undefined ? [] : [mount]
  }

  #layer(place: Place): Promise<Layer> {
    const known = this.#layers.get(key(place))
    if (known !== undefined) return known
    const layer = typeof place === 'string' ? this.#ofDevice(place) : this.#ofMount(place)
    this.#layers.set(key(place), layer)
    return layer
  }

  async #ofDevice(folder: string): Promise<Layer> {
    const [modules, below, file] = await Promise.all([
      this.devices.modules(folder),
      this.devices.below(folder),
      this.devices.backingFile(folder),
    ])
    return { modules, below: file === null ? below : [...below, ...this.ofFile(file)] }
  }

  async #ofMount(mount: MountLine): Promise<Layer> {
    const [modules, devices] = await Promise.all([
      fileSystemModules(mount, this.aliases),
      this.devicesOf(mount),
    ])
    const layers = mount.type === 'overlay' ? this.#layersOf(mount) : []
    return { modules, below: [...devices, ...layers] }
  }

  #layersOf({ path, superblock, options }: MountLine): MountLine[] {
    const folders = overlayFolders(options)
    const layers = folders
      .flatMap((folder) => (folder.startsWith('/') ? this.ofFile(folder) : []))
      // In a live system the overlay is mounted on `/` and covers the paths of its own folders, so that
      // ofFile() returns the overlay itself.
      .filter((layer) => layer.superblock !== superblock)
    if (layers.length < folders.length) this.#incompleteOverlays.add(path)
    return layers
  }

  /** What could not be found below the places that were looked up, as phrases. */
  get unreadable(): string[] {
    const [first, ...more] = this.#incompleteOverlays
    if (first === undefined) return []
    const others = more.length === 0 ? '' : ` and ${more.length} more`
    return [
      `the lower layers of the overlay on ${first}${others}: the file systems of their folders are not known`,
    ]
  }

  /** The folders of the devices that a mounted file system is on. */
  async devicesOf(mount: MountLine): Promise<string[]> {
    const { superblock, type, source } = mount
    const flash = flashOf(mount)
    if (flash !== null) {
      const device = await this.sysfs.link(flash)
      return device === null ? [] : [device]
    }
    const shared = await sharedFolderDevices(mount, this.sysfs)
    if (shared.length > 0) return shared
    const device = await this.devices.byNumber(superblock)
    if (device !== null) return [device]
    if (MOUNTED_BY_USERS.test(type)) return []
    // The superblocks of btrfs and bcachefs have numbers that belong to no device. The source of
    // bcachefs names all its devices.
    const paths = type === 'bcachefs' ? source.split(':') : [source]
    const named = await Promise.all(paths.map((path) => this.devices.byPath(path)))
    const known = named.filter((folder) => folder !== null)
    return type === 'btrfs' ? this.#membersOf(known) : known
  }

  /** The source of btrfs names only one of its devices; /sys/fs/btrfs has all of them. */
  async #membersOf(devices: readonly string[]): Promise<string[]> {
    const systems = await this.sysfs.list('/sys/fs/btrfs')
    const members = await Promise.all(systems.map((uuid) => this.#btrfsDevices(uuid)))
    const all = members.find((list) => devices.some((device) => list.includes(device)))
    return all ?? [...devices]
  }

  async #btrfsDevices(uuid: string): Promise<string[]> {
    const folder = `/sys/fs/btrfs/${uuid}/devices`
    const names = await this.sysfs.list(folder)
    const targets = await Promise.all(names.map((name) => this.sysfs.link(`${folder}/${name}`)))
    return targets.filter((target) => target !== null)
  }
}

/**
 * The path in /sys/class of the flash that a file system uses directly. JFFS2 takes only the number of a
 * block device, which need not exist. Source: get_tree_mtd() in drivers/mtd/mtdsuper.c,
 * ubifs_show_options() in fs/ubifs/super.c.
 */
function flashOf({ type, superblock, options }: MountLine): string | null {
  const mtd = type === 'jffs2' ? /^31:(\d+)$/.exec(superblock)?.[1] : undefined
  if (mtd !== undefined) return `/sys/class/mtd/mtd${mtd}`
  const ubi = type === 'ubifs' ? /(?:^|,)ubi=(\d+)/.exec(options)?.[1] : undefined
  return ubi === undefined ? null : `/sys/class/ubi/ubi${ubi}`
}

/** The two kinds of keys differ: the path of a folder begins with a slash, a device number does not. */
function key(place: Place): string {
  return typeof place === 'string' ? place : place.superblock
}
