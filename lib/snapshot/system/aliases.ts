/**
 * Finds the modules of what has a name or number but no device, such as a file-system type or a link
 * kind.
 */
import DataLoader from 'dataloader'
import { isKmodError } from '../../contract/errors'
import { normalize } from '../../contract/names'
import type { ModuleIndex } from '../../kernel/module-index'

export class Aliases {
  readonly #modules: DataLoader<string, string[]>
  #isReadable = true

  /** `unreadable` receives a phrase if the index cannot be read. */
  constructor(index: ModuleIndex, unreadable: Set<string>) {
    this.#modules = new DataLoader(async (aliases) => {
      // It would fail again, perhaps after as much time.
      if (!this.#isReadable) return aliases.map(() => [])
      try {
        return await index.lookup(aliases)
      } catch (error) {
        if (!isKmodError(error)) throw error
        this.#isReadable = false
        unreadable.add(`the module index: ${error.message}`)
        return aliases.map(() => [])
      }
    })
  }

  /** False after a question to the index has failed: then modules are missing in the answers. */
  get isReadable(): boolean {
    return this.#isReadable
  }

  /**
   * If the index does not have the alias, the module is assumed to have the name of the type. The kernel
   * ignores the subtype of a type such as `fuse.sshfs`. Source: get_fs_type() in fs/filesystems.c.
   */
  async ofFileSystem(type: string): Promise<string[]> {
    const name = type.split('.', 1)[0]!
    return this.#find(`fs-${name}`, [name])
  }

  /** Source: rtnl_newlink() in net/core/rtnetlink.c. */
  ofLinkKind(kind: string): Promise<string[]> {
    return this.#find(`rtnl-link-${kind}`, [kind])
  }

  /** `device`: MAJOR:MINOR. Source: base_probe() in fs/char_dev.c. */
  ofCharDevice(device: string): Promise<string[]> {
    return this.#find(`char-major-${device.replace(':', '-')}`, [])
  }

  /** Source: tty_ldisc_get() in drivers/tty/tty_ldisc.c. */
  ofLineDiscipline(number: number): Promise<string[]> {
    return this.#find(`tty-ldisc-${number}`, [])
  }

  /** Source: load_nls() in fs/nls/nls_base.c. */
  ofCharset(name: string): Promise<string[]> {
    return this.#find(`nls_${name}`, [`nls_${name}`])
  }

  /** Source: v9fs_get_trans_by_name() in net/9p/mod.c. */
  of9pTransport(name: string): Promise<string[]> {
    // In older kernels the socket transports (tcp, unix, fd) are part of 9pnet itself.
    const hasModule = ['virtio', 'xen', 'rdma', 'usbg'].includes(name)
    return this.#find(`9p-${name}`, hasModule ? [`9pnet_${name}`] : [])
  }

  /** The modules of the first of the aliases that is in the index; empty if none is. */
  async ofFirst(aliases: readonly string[]): Promise<string[]> {
    const found = await Promise.all(aliases.map((alias) => this.#find(alias, [])))
    return found.find((modules) => modules.length > 0) ?? []
  }

  /** The modules of all of the aliases, each once. */
  async ofAll(aliases: readonly string[]): Promise<string[]> {
    const found = await Promise.all(aliases.map((alias) => this.#find(alias, [])))
    return [...new Set(found.flat())]
  }

  async #find(alias: string, otherwise: readonly string[]): Promise<string[]> {
    const found = await this.#modules.load(alias)
    return (found.length > 0 ? found : otherwise).map(normalize)
  }
}
