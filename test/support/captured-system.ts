/** A captured system in a temporary folder, which a test fills. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { makeIndex } from './index-writer'
import { makeModuleFile } from './module-file'

export const RELEASE = '6.1.0-test'

export class CapturedSystem {
  readonly folder = mkdtempSync(join(tmpdir(), 'kmod-captured-'))
  /** The `root` of a Kmod. The folder around it is outside the root. */
  readonly root = join(this.folder, 'root')

  constructor() {
    mkdirSync(this.root)
  }

  at(path: string): string {
    return join(this.root, path)
  }

  write(path: string, content: string | Buffer): this {
    mkdirSync(dirname(this.at(path)), { recursive: true })
    writeFileSync(this.at(path), content)
    return this
  }

  link(target: string, path: string): this {
    mkdirSync(dirname(this.at(path)), { recursive: true })
    symlinkSync(target, this.at(path))
    return this
  }

  /** Modules with an index as depmod writes it. */
  addModules(directory = `lib/modules/${RELEASE}`): this {
    const file = (name: string): string => `kernel/${name}.ko`
    const dep = {
      dummy: `${file('dummy')}:`,
      llc: `${file('llc')}:`,
      stp: `${file('stp')}: ${file('llc')}`,
    }
    this.write(`${directory}/modules.dep.bin`, makeIndex(dep))
    this.write(
      `${directory}/modules.alias.bin`,
      makeIndex({ rtnl_link_dummy: 'dummy', fs_dummy: 'dummy' }),
    )
    this.write(`${directory}/modules.symbols.bin`, makeIndex({ 'symbol:llc_sap_open': 'llc' }))
    this.write(`${directory}/modules.builtin.bin`, makeIndex({ ext4: '' }))
    this.write(`${directory}/modules.builtin.modinfo`, 'ext4.license=GPL\0ext4.alias=fs-ext4\0')
    for (const name of Object.keys(dep)) {
      this.write(
        `${directory}/${file(name)}`,
        makeModuleFile({ license: 'GPL', name, vermagic: '6.1 SMP ' }),
      )
    }
    return this
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true })
  }
}
