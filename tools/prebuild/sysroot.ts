/** The headers and libraries of an old C library, to build binaries that newer systems can load, too. */
import { lstatSync, readdirSync, readlinkSync, rmSync, symlinkSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { Apt } from '../../lib/vm/apt'
import type { Architecture } from '../../lib/vm/architectures'
import { filledFolder } from '../../lib/vm/cache'
import { Programs } from '../../lib/vm/programs'

/** libstdc++-10-dev depends on the headers of the C library, of the kernel, and on the parts of gcc. */
const PACKAGES = ['libstdc++-10-dev']
const RECORD = 'complete'

/** Downloads the packages of Debian 11 (glibc 2.31) if the cache does not have them yet. */
export function prepareSysroot(architecture: Architecture): Promise<string> {
  return filledFolder(['sysroots', `Debian-11-${architecture.debian}`], RECORD, async (folder) => {
    const use = async (apt: Apt): Promise<void> =>
      apt.unpack(await apt.withDependencies(PACKAGES), folder)
    await Apt.with('Debian 11', new Programs(), use, architecture.debian)
    makeLinksRelative(folder)
    symlinkSync('usr', join(folder, RECORD))
  })
}

/** An absolute link would lead out of the sysroot, to the libraries of this system. */
function makeLinksRelative(root: string): void {
  for (const name of readdirSync(root, { recursive: true }) as string[]) {
    const path = join(root, name)
    if (!lstatSync(path).isSymbolicLink()) continue
    const target = readlinkSync(path)
    if (!target.startsWith('/')) continue
    rmSync(path)
    symlinkSync(relative(dirname(path), join(root, target)), path)
  }
}
