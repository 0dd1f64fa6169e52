/** Which modules provide what has a name but no device: a file system, a link kind, a device number. */
import { isKmodError } from '../../contract/errors'
import type { ModuleIndex } from '../../kernel/module-index'
import { normalize } from '../../contract/names'
import { Batch } from './batch'

export class Aliases {
  /** Why there may be more modules than are told. */
  readonly unreadable: string[] = []
  readonly #index: Batch<string[]>

  constructor(index: ModuleIndex) {
    this.#index = new Batch(async (aliases) => {
      try {
        return await index.lookup(aliases)
      } catch (error) {
        if (!isKmodError(error)) throw error
        const phrase = `the module index: ${error.message}`
        if (!this.unreadable.includes(phrase)) this.unreadable.push(phrase)
        return aliases.map(() => [])
      }
    })
  }

  /**
   * Without an index, or where that does not have it, the module may still have its name. (A subtype,
   * as in fuse.sshfs, is no matter to the kernel. Source: get_fs_type() in fs/filesystems.c.)
   */
  async ofFileSystem(type: string): Promise<string[]> {
    const name = type.split('.', 1)[0]!
    return this.#find(`fs-${name}`, [name])
  }

  /** Source: rtnl_newlink() in net/core/rtnetlink.c. */
  ofLinkKind(kind: string): Promise<string[]> {
    return this.#find(`rtnl-link-${kind}`, [kind])
  }

  /** `device`: MAJ:MIN. Source: base_probe() in fs/char_dev.c. */
  ofCharDevice(device: string): Promise<string[]> {
    return this.#find(`char-major-${device.replace(':', '-')}`, [])
  }

  /** Source: tty_ldisc_get() in drivers/tty/tty_ldisc.c. */
  ofLineDiscipline(number: number): Promise<string[]> {
    return this.#find(`tty-ldisc-${number}`, [])
  }

  /** Source: v9fs_get_trans_by_name() in net/9p/mod.c. */
  of9pTransport(name: string): Promise<string[]> {
    // Those of sockets are a part of 9pnet itself in older kernels.
    const isOwn = ['virtio', 'xen', 'rdma', 'usbg'].includes(name)
    return this.#find(`9p-${name}`, isOwn ? [`9pnet_${name}`] : [])
  }

  /** Without an index, or where that has none of the aliases: none. */
  async ofFirst(aliases: readonly string[]): Promise<string[]> {
    const found = await Promise.all(aliases.map((alias) => this.#find(alias, [])))
    return found.find((modules) => modules.length > 0) ?? []
  }

  async #find(alias: string, otherwise: readonly string[]): Promise<string[]> {
    const found = await this.#index.get(alias)
    return (found.length > 0 ? found : otherwise).map(normalize)
  }
}
