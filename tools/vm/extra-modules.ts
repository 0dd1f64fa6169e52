/** Modules that are built from source for a kernel, and added to its own. */
import { createHash } from 'node:crypto'
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { filledFolder } from './cache'
import { output, text } from './command'
import { depmod, type GuestKernel } from './kernels'

/** The file that shows that a folder in the cache is complete. */
const RECORD = 'modules.json'

/**
 * The kernel with more modules, which are in the guest in /lib/modules/RELEASE/extra. The kernel without
 * them stays as it is.
 *
 * @param sources a folder with a Kbuild file and C sources
 */
export function withExtraModules(kernel: GuestKernel, sources: string): GuestKernel {
  const { name, release, headers } = kernel
  if (headers === null) {
    throw new Error(
      `Modules cannot be built for the kernel ${name} (${release}): its headers need a newer Debian than this one.`,
    )
  }
  const content = fingerprint(release, sources)
  const root = filledFolder(['kernels-with-modules', `${name}-${content}`], RECORD, (folder) => {
    const modules = join(folder, 'lib', 'modules')
    mkdirSync(modules, { recursive: true })
    // Hard links: the modules themselves are never written to, and depmod replaces its files.
    output('cp', ['-al', join(kernel.root, 'lib', 'modules', release), modules])
    const installed = join(modules, release, 'extra')
    rmSync(installed, { recursive: true, force: true })
    mkdirSync(installed)
    const build = join(folder, 'build')
    cpSync(sources, build, { recursive: true })
    const built = buildModules(build, headers, release)
    for (const file of built) cpSync(join(build, file), join(installed, file))
    rmSync(build, { recursive: true })
    depmod(folder, release)
    writeFileSync(join(folder, RECORD), JSON.stringify({ release, sources, built }))
  })
  return { ...kernel, root }
}

/** Runs the kernel's own build in the folder. Returns the names of the module files. */
function buildModules(folder: string, headers: string, release: string): string[] {
  const common = readdirSync(headers).find((one) => one.endsWith('-common'))
  const make = [
    // The Makefile of this release includes the common one from /usr/src, where it is not installed.
    ...['-f', join(headers, common ?? '', 'Makefile')],
    ...['-C', join(headers, `linux-headers-${release}`), `M=${folder}`],
    ...['CC=gcc', 'CROSS_COMPILE='],
    // Type information for BPF would need one more tool (pahole).
    'CONFIG_DEBUG_INFO_BTF_MODULES=',
    'modules',
  ]
  text('make', make, { from: 'make' })
  return readdirSync(folder).filter((one) => one.endsWith('.ko'))
}

function fingerprint(release: string, folder: string): string {
  const hash = createHash('sha256').update(release)
  for (const name of readdirSync(folder).sort()) {
    hash.update(name).update(readFileSync(join(folder, name)))
  }
  return hash.digest('hex').slice(0, 16)
}
