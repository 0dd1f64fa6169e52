/**
 * /sys as a tree of devices: each device is a folder below /sys/devices, found through links elsewhere
 * in /sys. Files and links of /proc and /dev are read the same way.
 */
import DataLoader from 'dataloader'
import { posix } from 'node:path'
import { normalize } from '../../contract/names'
import type { SystemFiles } from '../../kernel/system-files'

const DEVICES = '/sys/devices/'

/** The driver of a device; `module` is `null` where the driver is compiled into the kernel. */
interface Driver {
  module: string | null
}

/** Reads each path once. Paths requested in the same turn of the event loop are read together. */
export class Sysfs {
  readonly #links: DataLoader<string, string | null>
  readonly #texts: DataLoader<string, string | null>
  readonly #names: DataLoader<string, string[]>
  #loaded: ReadonlySet<string> | undefined

  constructor(files: SystemFiles) {
    this.#links = new DataLoader((paths) => files.readLinks(paths))
    this.#texts = new DataLoader((paths) => files.readTexts(paths))
    this.#names = new DataLoader(async (folders) => {
      const lists = await files.listNames(folders)
      // The kernel has no order, and the answers must not depend on it.
      return lists.map((names) => names.sort())
    })
  }

  /** The absolute path to which a link leads. */
  async link(path: string): Promise<string | null> {
    const target = await this.#links.load(path)
    return target === null ? null : posix.resolve(posix.dirname(path), target)
  }

  /** The text of a file, without the newline at its end. */
  async text(path: string): Promise<string | null> {
    return (await this.#texts.load(path))?.replace(/\n$/, '') ?? null
  }

  /** The names in a folder. */
  list(folder: string): Promise<string[]> {
    return this.#names.load(folder)
  }

  /** Read from /proc/modules, because built-in modules have folders in /sys/module too. */
  async loadedModules(): Promise<ReadonlySet<string>> {
    const table = (await this.text('/proc/modules')) ?? ''
    this.#loaded ??= new Set(table.split('\n').flatMap((row) => /^(\w+) /.exec(row)?.[1] ?? []))
    return this.#loaded
  }

  /** The drivers of a device and of the devices above it in the tree, nearest first. */
  async drivers(folder: string): Promise<Driver[]> {
    const drivers = await Promise.all(
      devicesUpFrom(folder).map(async (device) => {
        // The second path goes through the link `driver`, so both can be read at the same time.
        const [driver, module] = await Promise.all([
          this.#links.load(`${device}/driver`),
          this.#links.load(`${device}/driver/module`),
        ])
        if (driver === null) return []
        return [{ module: module === null ? null : normalize(posix.basename(module)) }]
      }),
    )
    return drivers.flat()
  }
}

/** The folder itself and every folder that contains it, up to /sys/devices. */
function devicesUpFrom(folder: string): string[] {
  const found: string[] = []
  for (let at = folder; at.startsWith(DEVICES); at = posix.dirname(at)) found.push(at)
  return found
}
