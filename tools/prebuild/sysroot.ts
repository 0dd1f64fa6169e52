/** The headers and libraries of an old C library, to build binaries that newer systems can load, too. */
import { lstatSync, readdirSync, readlinkSync, rmSync, symlinkSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { Apt } from '../vm/apt'
import type { Architecture } from '../vm/architectures'
import { filledFolder } from '../vm/cache'

/** libstdc++-10-dev depends on the headers of the C library, of the kernel, and on the parts of gcc. */
const PACKAGES = ['libstdc++-10-dev']
const RECORD = 'complete'

/** Downloads the packages of Debian 11 (glibc 2.31) if the cache does not have them yet. */
export function prepareSysroot(architecture: Architecture): string {
  return filledFolder(['sysroots', `Debian-11-${architecture.debian}`], RECORD, (folder) => {
    const apt = new Apt('Debian 11', architecture.debian)
    apt.unpack(apt.withDependencies(PACKAGES), folder)
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
