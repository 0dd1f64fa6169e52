/** Modules that are built from source for a kernel, and added to its own. */
import { createHash } from 'node:crypto'
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { filledFolder } from './cache'
import { vmError } from './errors'
import { depmod, prepareKernel, type GuestKernel, type Headers } from './kernels'
import type { VmOptions } from './options'
import { ProgramError, requirePrograms, type Programs } from './programs'

/** The file that shows that a folder in the cache is complete. */
const RECORD = 'modules.json'

/** What a build leaves behind, and what has no sources: neither is copied. */
const NO_SOURCE = /\.(o|ko|mod|mod\.c|cmd|symvers)$|^(modules\.order|node_modules|\.git)$/

/** Downloads the kernel and builds the modules, as far as the cache does not have them yet. */
export async function prepareGuestKernel(
  { kernel, modules }: Pick<VmOptions, 'kernel' | 'modules'>,
  programs: Programs,
): Promise<GuestKernel> {
  const prepared = await prepareKernel(kernel, programs)
  return modules === undefined ? prepared : withExtraModules(prepared, resolve(modules), programs)
}

/**
 * The kernel with more modules, which are in the guest in /lib/modules/RELEASE/extra. The kernel without
 * them stays as it is.
 *
 * @param sources a folder with a Kbuild file or a Makefile, and C sources
 */
async function withExtraModules(
  kernel: GuestKernel,
  sources: string,
  programs: Programs,
): Promise<GuestKernel> {
  const { release, headers } = kernel
  if (headers === null) {
    throw vmError(
      `Modules cannot be built for the kernel ${release}: its headers are not here, or need a newer Debian than this one.`,
    )
  }
  requirePrograms(['make', 'gcc'], 'Building modules')
  const files = sourceFiles(sources)
  const name = `${release}-${fingerprint(kernel, sources, files)}`
  const root = await filledFolder(['kernels-with-modules', name], RECORD, async (folder) => {
    programs.tell(`Building the modules of ${sources} for the kernel ${release}`)
    const modules = join(folder, 'lib', 'modules')
    mkdirSync(modules, { recursive: true })
    await copyTree(join(kernel.root, 'lib', 'modules', release), join(modules, release), programs)
    const installed = join(modules, release, 'extra')
    rmSync(installed, { recursive: true, force: true })
    mkdirSync(installed)
    const build = join(folder, 'build')
    for (const file of files) cpSync(join(sources, file), join(build, file))
    const built = await buildModules(build, headers, { release, sources }, programs)
    for (const file of built) cpSync(join(build, file), join(installed, basename(file)))
    rmSync(build, { recursive: true })
    await depmod(folder, release, programs)
    writeFileSync(join(folder, RECORD), JSON.stringify({ release, sources, built }))
  })
  return { ...kernel, root }
}

/**
 * Links of the files are enough: the modules are never written to, and depmod replaces its own files. Hard
 * links are not possible across file systems, and not to files of other users.
 */
async function copyTree(from: string, to: string, programs: Programs): Promise<void> {
  try {
    await programs.output('cp', ['-al', from, to])
  } catch (error) {
    if (!(error instanceof ProgramError)) throw error
    rmSync(to, { recursive: true, force: true })
    await programs.output('cp', ['-as', from, to])
    for (const index of readdirSync(to).filter((one) => one.startsWith('modules.'))) {
      const file = join(to, index)
      const content = readFileSync(file)
      rmSync(file)
      writeFileSync(file, content)
    }
  }
}

/** Runs the kernel's own build in the folder. Returns the module files. */
async function buildModules(
  folder: string,
  { tree, makefile }: Headers,
  { release, sources }: { release: string; sources: string },
  programs: Programs,
): Promise<string[]> {
  const make = [
    ...(makefile === null ? [] : ['-f', makefile]),
    ...['-C', tree, `M=${folder}`],
    ...['CC=gcc', 'CROSS_COMPILE='],
    // Type information for BPF would need one more tool (pahole).
    'CONFIG_DEBUG_INFO_BTF_MODULES=',
    'modules',
  ]
  try {
    await programs.output('make', make)
  } catch (error) {
    if (!(error instanceof ProgramError)) throw error
    const printed = error.output.replaceAll(folder, sources).trim().slice(-4000)
    throw vmError(
      `The modules of ${sources} could not be built for the kernel ${release}:\n${printed}`,
      '',
      error,
    )
  }
  const built = filesBelow(folder).filter((one) => one.endsWith('.ko'))
  if (built.length > 0) return built
  throw vmError(
    `${sources} builds no module. A line of its Kbuild or Makefile names them: \`obj-m := NAME.o\`.`,
  )
}

/** Paths in the folder, sorted. */
function sourceFiles(folder: string): string[] {
  if (!existsSync(folder)) throw vmError(`The folder of modules ${folder} does not exist.`)
  const isSource = (file: string): boolean => !file.split('/').some((part) => NO_SOURCE.test(part))
  return filesBelow(folder).filter(isSource).sort()
}

/** The paths of all files in the folder and below it, seen from it. Links are left out. */
export function filesBelow(folder: string, below = ''): string[] {
  return readdirSync(join(folder, below), { withFileTypes: true }).flatMap((entry) => {
    const path = join(below, entry.name)
    if (entry.isDirectory()) return filesBelow(folder, path)
    return entry.isFile() ? [path] : []
  })
}

/** Also of the kernel: another one can have the same release. */
function fingerprint({ root }: GuestKernel, folder: string, files: readonly string[]): string {
  const hash = createHash('sha256').update(root)
  for (const file of files) hash.update(`\0${file}\0`).update(readFileSync(join(folder, file)))
  return hash.digest('hex').slice(0, 16)
}
