/** Block devices: their folders in /sys, the modules that drive them, the devices below them. */
import { posix } from 'node:path'
import type { Mapping } from '../../kernel/snapshot'
import type { Aliases } from './aliases'
import {
  flashModules,
  mapperModules,
  raidModules,
  transportModules,
  virtualDisk,
  type VirtualDisk,
} from './disk-modules'
import { segmentsOf } from './mapper-segments'
import type { RawMapping } from './raw-survey'
import type { Sysfs } from './sysfs'

export class BlockDevices {
  readonly #mappings: ReadonlyMap<string, RawMapping>

  constructor(
    private readonly sysfs: Sysfs,
    private readonly aliases: Aliases,
    mappings: readonly RawMapping[],
  ) {
    this.#mappings = new Map(mappings.map((mapping) => [mapping.device, mapping]))
  }

  /**
   * The folder of a device number such as `8:1`; `null`: no device has the number (none has major 0).
   */
  async byNumber(number: string): Promise<string | null> {
    return number.startsWith('0:') ? null : this.sysfs.link(`/sys/dev/block/${number}`)
  }

  /** The folder of a path such as /dev/sda1 or /dev/mapper/root. */
  async byPath(path: string): Promise<string | null> {
    if (!path.startsWith('/dev/')) return null
    const target = (await this.sysfs.link(path)) ?? path
    const known = await this.sysfs.link(`/sys/class/block/${posix.basename(target)}`)
    return known ?? (path.startsWith('/dev/mapper/') ? this.#byMapping(path) : null)
  }

  /** For a captured system without /dev, in which the path would be a link to the device. */
  async #byMapping(path: string): Promise<string | null> {
    const devices = await this.sysfs.list('/sys/class/block')
    const names = await Promise.all(
      devices
        .filter((device) => device.startsWith('dm-'))
        .map(async (device) => ({
          device,
          name: await this.sysfs.text(`/sys/class/block/${device}/dm/name`),
        })),
    )
    const found = names.find(({ name }) => name === posix.basename(path))
    return found === undefined ? null : this.sysfs.link(`/sys/class/block/${found.device}`)
  }

  /** The module of which an open file of the device holds a reference. */
  async driverModules(folder: string): Promise<string[]> {
    const virtual = virtualDisk(folder)
    if (virtual !== null) return [virtual.module]
    const [driver] = await this.sysfs.drivers(folder)
    return driver?.module == null ? [] : [driver.module]
  }

  /** The modules of driverModules(), and those of the RAID level or of the device-mapper target. */
  async providers(folder: string): Promise<string[]> {
    const virtual = virtualDisk(folder)
    return virtual === null ? this.driverModules(folder) : this.#virtualModules(virtual)
  }

  /** The modules of the device and of all buses above it. */
  async modules(folder: string): Promise<string[]> {
    const virtual = virtualDisk(folder)
    const [drivers, special, transport, flash] = await Promise.all([
      this.sysfs.drivers(folder),
      virtual === null ? [] : this.#virtualModules(virtual),
      transportModules(folder, this.sysfs),
      flashModules(folder, this.sysfs),
    ])
    const ofDrivers = drivers.flatMap(({ module }) => module ?? [])
    return [...new Set([...special, ...ofDrivers, ...transport, ...flash])]
  }

  async #virtualModules({ folder, module }: VirtualDisk): Promise<string[]> {
    if (module === 'md_mod') {
      const level = await this.sysfs.text(`${folder}/md/level`)
      return [module, ...(level ? raidModules(level) : [])]
    }
    if (module === 'dm_mod') {
      const [uuid, segments] = await Promise.all([
        this.sysfs.text(`${folder}/dm/uuid`),
        this.segments(folder),
      ])
      const ofTargets = segments?.map((one) => one.module) ?? mapperModules(uuid ?? '')
      return [...new Set([module, ...ofTargets])]
    }
    return [module]
  }

  /** The segments of a device of device-mapper, by module; `null`: not known. */
  async segments(folder: string): Promise<Mapping['segments']> {
    const mapping = this.#mappings.get((await this.sysfs.text(`${folder}/dev`)) ?? '')
    return mapping === undefined ? null : segmentsOf(mapping, this.aliases)
  }

  /** The folders of the devices below a virtual device; empty for hardware. */
  async below(folder: string): Promise<string[]> {
    // The path of a hardware device already contains the devices that it is connected to.
    if (!folder.startsWith('/sys/devices/virtual/')) return []
    const disk = virtualDisk(folder)?.folder
    // `slaves` is in the folder of the disk, also for a partition.
    const disks = disk === undefined ? [folder, posix.dirname(folder)] : [disk]
    const found = await Promise.all([
      ...disks.map((one) => this.#linked(`${one}/slaves`, /./)),
      // NVMe multipath: the disk belongs to a subsystem, whose folder has links to the controllers.
      ...disks
        .filter((one) => /\/nvme-subsys\d+\/[^/]+$/.test(one))
        .map((one) => this.#linked(posix.dirname(one), /^nvme\d+$/)),
    ])
    return found.flat()
  }

  async #linked(folder: string, names: RegExp): Promise<string[]> {
    const listed = (await this.sysfs.list(folder)).filter((name) => names.test(name))
    const targets = await Promise.all(listed.map((name) => this.sysfs.link(`${folder}/${name}`)))
    return targets.filter((target) => target !== null)
  }

  /** The backing file of a loop device; `null` for other devices. */
  async backingFile(folder: string): Promise<string | null> {
    const virtual = virtualDisk(folder)
    if (virtual?.module !== 'loop') return null
    const path = await this.sysfs.text(`${virtual.folder}/loop/backing_file`)
    return path?.replace(/ \(deleted\)$/, '') ?? null
  }
}
