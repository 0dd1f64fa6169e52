/** Block devices: where they are in /sys, which modules drive them, what they lie on. */
import { posix } from 'node:path'
import { diskTransport } from './disk-transport'
import type { Sysfs } from './sysfs'
import { mapperModules, raidModules, virtualDisk, type VirtualDisk } from './virtual-disks'

export class BlockDevices {
  constructor(private readonly sysfs: Sysfs) {}

  /** The folder of a device number such as `8:1`; `null`: there is none, as for major 0. */
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

  /** /dev itself may not be captured. */
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

  /** The modules of the device alone, which an open file of it refers to. */
  async own(folder: string): Promise<string[]> {
    const virtual = virtualDisk(folder)
    if (virtual !== null) return [virtual.module]
    const [driver] = await this.sysfs.drivers(folder)
    return driver?.module == null ? [] : [driver.module]
  }

  /** The same, and what a raid or mapping is made with. */
  async providers(folder: string): Promise<string[]> {
    const virtual = virtualDisk(folder)
    return virtual === null ? this.own(folder) : this.#specialModules(virtual)
  }

  /** The modules of the device and of all buses above it. */
  async modules(folder: string): Promise<string[]> {
    const virtual = virtualDisk(folder)
    const [drivers, special, transport] = await Promise.all([
      this.sysfs.drivers(folder),
      virtual === null ? [] : this.#specialModules(virtual),
      diskTransport(folder, this.sysfs),
    ])
    const found = [...special, ...drivers.flatMap(({ module }) => module ?? []), ...transport]
    return [...new Set(found)]
  }

  async #specialModules({ folder, module }: VirtualDisk): Promise<string[]> {
    if (module === 'md_mod') {
      const level = await this.sysfs.text(`${folder}/md/level`)
      return [module, ...(level ? raidModules(level) : [])]
    }
    if (module === 'dm_mod') {
      const uuid = await this.sysfs.text(`${folder}/dm/uuid`)
      return [module, ...mapperModules(uuid ?? '')]
    }
    return [module]
  }

  /** The folders of the devices that a device lies on. */
  async below(folder: string): Promise<string[]> {
    // Hardware lies on what it hangs on, which its path tells.
    if (!folder.startsWith('/sys/devices/virtual/')) return []
    const disk = virtualDisk(folder)?.folder
    // A partition's disk has them.
    const disks = disk === undefined ? [folder, posix.dirname(folder)] : [disk]
    const found = await Promise.all([
      ...disks.map((one) => this.#linked(`${one}/slaves`, /./)),
      // NVMe with several paths: the disk is the subsystem's, beside links to its controllers.
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

  /** The file that a loop device shows as a disk. */
  async backingFile(folder: string): Promise<string | null> {
    const virtual = virtualDisk(folder)
    if (virtual?.module !== 'loop') return null
    const path = await this.sysfs.text(`${virtual.folder}/loop/backing_file`)
    return path?.replace(/ \(deleted\)$/, '') ?? null
  }
}
