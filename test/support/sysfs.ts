/** Writes devices into /sys of a captured system, with the links that the kernel has there. */
import { posix } from 'node:path'
import type { CapturedSystem } from './captured-system'

/** `module: null`: the driver is compiled into the kernel. */
export interface DriverOf {
  bus: string
  name: string
  module: string | null
}

export interface Interface {
  index: number
  /** Hexadecimal, as in the file. */
  flags: string
  /** DEVTYPE= in its uevent. */
  devtype?: string
  /** The folder of its hardware, if it has any. */
  parent?: string
  master?: string
  /** The interfaces below it, including its members. */
  lower?: string[]
  /** Files that only its kind has. */
  files?: Record<string, string>
}

export class SysfsWriter {
  readonly #links = new Set<string>()

  constructor(private readonly system: CapturedSystem) {}

  /** A device on a bus; `path` is below /sys/devices. Returns its folder. */
  device(path: string, { bus, name, module }: DriverOf): string {
    const folder = `/sys/devices/${path}`
    const driver = `/sys/bus/${bus}/drivers/${name}`
    this.system.write(`${folder}/uevent`, `DRIVER=${name}\n`)
    this.#link(`${folder}/driver`, driver)
    this.#link(`${folder}/subsystem`, `/sys/bus/${bus}`)
    this.#link(`/sys/bus/${bus}/devices/${posix.basename(path)}`, folder)
    this.system.write(`${driver}/uevent`, '')
    this.#link(`${driver}/${posix.basename(path)}`, folder)
    if (module !== null) {
      this.#link(`${driver}/module`, `/sys/module/${module}`)
      this.#link(`/sys/module/${module}/drivers/${bus}:${name}`, driver)
    }
    return folder
  }

  /** A device of a class, without a bus and without a device number. */
  classDevice(className: string, path: string, files: Record<string, string> = {}): string {
    const folder = `/sys/devices/${path}`
    this.#link(`/sys/class/${className}/${posix.basename(path)}`, folder)
    for (const [file, text] of Object.entries(files)) this.system.write(`${folder}/${file}`, text)
    return folder
  }

  /** A disk or partition. */
  block(path: string, number: string, files: Record<string, string> = {}): string {
    const name = posix.basename(path)
    const folder = this.#numbered('block', path, number, name)
    this.#link(`/sys/class/block/${name}`, folder)
    for (const [file, text] of Object.entries(files)) this.system.write(`${folder}/${file}`, text)
    return folder
  }

  /** `devname`: below /dev. */
  char(path: string, number: string, devname: string): string {
    return this.#numbered('char', path, number, devname)
  }

  /** `device` lies on `under`; both are folders. */
  slave(device: string, under: string): void {
    this.#link(`${device}/slaves/${posix.basename(under)}`, under)
    this.#link(`${under}/holders/${posix.basename(device)}`, device)
  }

  interface(name: string, one: Interface): void {
    const folder = `${one.parent ?? '/sys/devices/virtual'}/net/${name}`
    const devtype = one.devtype === undefined ? '' : `DEVTYPE=${one.devtype}\n`
    this.system
      .write(`${folder}/ifindex`, `${one.index}\n`)
      .write(`${folder}/flags`, `${one.flags}\n`)
      .write(`${folder}/uevent`, `${devtype}INTERFACE=${name}\nIFINDEX=${one.index}\n`)
    for (const [file, text] of Object.entries(one.files ?? {})) {
      this.system.write(`${folder}/${file}`, text)
    }
    this.#link(`/sys/class/net/${name}`, folder)
    this.#link(`${folder}/subsystem`, '/sys/class/net')
    if (one.parent !== undefined) this.#link(`${folder}/device`, one.parent)
    // The kernel links to the folder of the device; the path through the class is the same folder.
    if (one.master !== undefined) this.#link(`${folder}/master`, `/sys/class/net/${one.master}`)
    for (const lower of one.lower ?? []) {
      this.#link(`${folder}/lower_${lower}`, `/sys/class/net/${lower}`)
    }
  }

  #numbered(type: 'block' | 'char', path: string, number: string, devname: string): string {
    const folder = `/sys/devices/${path}`
    const [major, minor] = number.split(':')
    this.system
      .write(`${folder}/dev`, `${number}\n`)
      .write(`${folder}/uevent`, `MAJOR=${major}\nMINOR=${minor}\nDEVNAME=${devname}\n`)
    this.#link(`/sys/dev/${type}/${number}`, folder)
    return folder
  }

  /** A relative link, as all links in /sys are. */
  #link(at: string, target: string): void {
    if (this.#links.has(at)) return
    this.#links.add(at)
    this.system.link(posix.relative(posix.dirname(at), target), at)
  }
}
