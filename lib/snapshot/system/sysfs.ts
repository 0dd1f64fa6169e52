/**
 * /sys as a tree of devices: each a folder below /sys/devices, found by links. (The few links and files
 * of /dev and /proc that go with them are read the same way.)
 */
import { posix } from 'node:path'
import { normalize } from '../../contract/names'
import { Batch } from './batch'
import type { SystemFiles } from '../../kernel/system-files'

const DEVICES = '/sys/devices/'

/** The driver of a device; `null`: it is compiled into the kernel. */
interface Driver {
  module: string | null
}

export class Sysfs {
  readonly #links: Batch<string | null>
  readonly #files: Batch<string | null>
  readonly #folders: Batch<string[]>

  constructor(files: SystemFiles) {
    this.#links = new Batch((paths) => files.readLinks(paths))
    this.#files = new Batch((paths) => files.readFiles(paths))
    this.#folders = new Batch((folders) => files.list(folders))
  }

  /** Where a link leads, as a whole path. */
  async link(path: string): Promise<string | null> {
    const target = await this.#links.get(path)
    return target === null ? null : posix.resolve(posix.dirname(path), target)
  }

  /** What a file says, without the newline at its end. */
  async text(path: string): Promise<string | null> {
    return (await this.#files.get(path))?.replace(/\n$/, '') ?? null
  }

  list(folder: string): Promise<string[]> {
    return this.#folders.get(folder)
  }

  /** The drivers of a device and of those that it hangs on, nearest first. */
  async drivers(folder: string): Promise<Driver[]> {
    const drivers = await Promise.all(
      ancestors(folder).map(async (device) => {
        // The kernel follows the first link on the way to the second.
        const [driver, module] = await Promise.all([
          this.#links.get(`${device}/driver`),
          this.#links.get(`${device}/driver/module`),
        ])
        if (driver === null) return []
        return [{ module: module === null ? null : normalize(posix.basename(module)) }]
      }),
    )
    return drivers.flat()
  }
}

/** The folder itself and those around it that can be devices. */
function ancestors(folder: string): string[] {
  const found: string[] = []
  for (let at = folder; at.startsWith(DEVICES); at = posix.dirname(at)) found.push(at)
  return found
}
