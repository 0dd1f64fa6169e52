/** Kernels to boot: Debian's, downloaded and unpacked into the cache, or one of this machine. */
import { existsSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { Apt, type Archive } from './apt'
import { ARM64, X64, type Architecture } from './architectures'
import { filledFolder } from './cache'
import { vmError } from './errors'
import type { Programs } from './programs'

/** Where the kernels come from: the first archive that has one. */
const ARCHIVES = {
  '5.10': ['Debian 11'],
  '6.1': ['configured', 'Debian 12'],
  '6.12': ['configured', 'Debian 13'],
  newest: ['unstable'],
} as const satisfies Record<string, readonly Archive[]>

/** A kernel of Debian. `newest`: that of Debian unstable. */
export type KernelName = keyof typeof ARCHIVES
/** The kernels that `runInVm` downloads. */
export const KERNELS: readonly KernelName[] = Object.keys(ARCHIVES) as KernelName[]

/** A kernel of this machine. */
export interface KernelFiles {
  /** The path of the kernel. */
  image: string
  /** The path of its folder `lib/modules/RELEASE`. */
  modules: string
}

export interface GuestKernel {
  architecture: Architecture
  /** As `uname -r` prints it. */
  release: string
  /** A folder with lib/modules/RELEASE and depmod's indexes. */
  root: string
  image: string
  /** The kernel's configuration file; null: it is not there. */
  config: string | null
  /** Where modules are built for it; null: that is not possible here. */
  headers: Headers | null
}

export interface Headers {
  /** The folder for `make -C`. */
  tree: string
  /** The Makefile to use instead of that of the folder. */
  makefile: string | null
}

/** The file that shows that a folder in the cache is complete. */
const RECORD = 'kernel.json'

/** Downloads the kernel if the cache does not have it yet. */
export async function prepareKernel(
  kernel: KernelName | KernelFiles,
  programs: Programs,
): Promise<GuestKernel> {
  if (typeof kernel !== 'string') return kernelOfFiles(kernel)
  const folder = await filledFolder(['kernels', kernel], RECORD, async (temporary) => {
    programs.tell(`Downloading the kernel ${kernel}`)
    const release = await fetchKernel(kernel, temporary, programs)
    await depmod(temporary, release, programs)
    writeFileSync(join(temporary, RECORD), JSON.stringify({ release }))
  })
  const { release } = JSON.parse(readFileSync(join(folder, RECORD), 'utf8')) as { release: string }
  // Since 7.x the image and the configuration are in the folder of the modules.
  const boot = join(folder, 'boot', `vmlinuz-${release}`)
  const modules = join(folder, 'lib', 'modules', release)
  return {
    architecture: X64,
    release,
    root: folder,
    image: existsSync(boot) ? boot : join(modules, 'vmlinuz'),
    config: existsSync(boot) ? join(folder, 'boot', `config-${release}`) : join(modules, 'config'),
    // The headers of the newest kernel need a newer compiler and C library than Debian stable has.
    headers: kernel === 'newest' ? null : debianHeaders(join(folder, 'usr', 'src'), release),
  }
}

/** The kernel of Debian 13 for arm64. */
export async function prepareArm64Kernel(programs: Programs): Promise<GuestKernel> {
  const fetch = async (apt: Apt, folder: string): Promise<string> => {
    const isImage = (name: string): boolean => /^linux-image-\d/.test(name)
    const image = (await apt.show('linux-image-arm64')).depends.find(isImage)
    if (image === undefined) {
      throw vmError('The package linux-image-arm64 of Debian 13 depends on no kernel image.')
    }
    await apt.unpack([image], folder)
    if (!existsSync(join(folder, 'lib'))) symlinkSync('usr/lib', join(folder, 'lib'))
    return image.slice('linux-image-'.length)
  }
  const folder = await filledFolder(['kernels', 'arm64'], RECORD, async (temporary) => {
    const use = (apt: Apt): Promise<string> => fetch(apt, temporary)
    const release = await Apt.with('Debian 13', programs, use, ARM64.debian)
    await depmod(temporary, release, programs)
    writeFileSync(join(temporary, RECORD), JSON.stringify({ release }))
  })
  const { release } = JSON.parse(readFileSync(join(folder, RECORD), 'utf8')) as { release: string }
  return {
    architecture: ARM64,
    release,
    root: folder,
    image: join(folder, 'boot', `vmlinuz-${release}`),
    config: join(folder, 'boot', `config-${release}`),
    headers: null,
  }
}

/** Writes the indexes of lib/modules/RELEASE. */
export async function depmod(root: string, release: string, programs: Programs): Promise<void> {
  await programs.output('depmod', ['-b', root, release])
}

function kernelOfFiles({ image, modules }: KernelFiles): GuestKernel {
  const folder = resolve(modules)
  const release = basename(folder)
  const root = resolve(folder, '../../..')
  if (!existsSync(join(root, 'lib', 'modules', release, 'modules.dep'))) {
    throw vmError(
      `${folder} is not the folder lib/modules/RELEASE of a kernel, or has no modules.dep, which depmod writes.`,
    )
  }
  if (!existsSync(image)) throw vmError(`The kernel image ${image} does not exist.`)
  const config = join(dirname(resolve(image)), `config-${release}`)
  const build = join(folder, 'build')
  return {
    architecture: X64,
    release,
    root,
    image: resolve(image),
    config: existsSync(config) ? config : null,
    headers: existsSync(build) ? { tree: build, makefile: null } : null,
  }
}

/** The Makefile of a Debian release includes the common one from /usr/src, where it is not installed. */
function debianHeaders(sources: string, release: string): Headers {
  const common = `linux-headers-${release.replace(/-[^-]+$/, '-common')}`
  return {
    tree: join(sources, `linux-headers-${release}`),
    makefile: join(sources, common, 'Makefile'),
  }
}

/** Unpacks a kernel from the first archive that has it. Returns its release. */
async function fetchKernel(name: KernelName, folder: string, programs: Programs): Promise<string> {
  for (const archive of ARCHIVES[name]) {
    const release = await Apt.with(archive, programs, (apt) =>
      name === 'newest' ? fetchNewest(apt, folder) : fetchStable(apt, name, folder, programs),
    )
    if (release !== null) return release
  }
  throw vmError(
    `There is no kernel ${name} for amd64 in the package sources of /etc/apt, nor at the mirror of Debian.`,
  )
}

/** Unpacks the newest kernel of this version. Returns its release; null: the archive has none. */
async function fetchStable(
  apt: Apt,
  version: string,
  folder: string,
  programs: Programs,
): Promise<string | null> {
  const images = (await apt.search(`^linux-image-${version.replaceAll('.', '\\.')}\\.`))
    .filter((image) => /^linux-image-[\d.]+[-+][\w.]*-?amd64$/.test(image))
    // The cloud kernel does not support 9p.
    .filter((image) => !/cloud|rt-|unsigned|dbg/.test(image))
  const image = await newestOf(apt, images, programs)
  if (image === undefined) return null
  const release = image.slice('linux-image-'.length)
  const headers = `linux-headers-${release}`
  const { depends } = await apt.show(headers)
  const needed = depends.filter((one) => /^linux-(headers|kbuild)-/.test(one))
  await apt.unpack([image, headers, ...needed], folder)
  return release
}

async function fetchNewest(apt: Apt, folder: string): Promise<string> {
  const { depends } = await apt.show('linux-image-amd64')
  const image = depends.find((one) => one.startsWith('linux-image-'))
  if (image === undefined) {
    throw vmError('The package linux-image-amd64 of Debian unstable depends on no kernel image.')
  }
  const release = image.slice('linux-image-'.length)
  // Since 7.x the image, the modules and the configuration are packages of their own.
  const parts = (await apt.show(image)).depends.filter((one) => one.endsWith(release))
  await apt.unpack(parts.length > 0 ? parts : [image], folder)
  if (!existsSync(join(folder, 'lib'))) symlinkSync('usr/lib', join(folder, 'lib'))
  return release
}

async function newestOf(
  apt: Apt,
  names: readonly string[],
  programs: Programs,
): Promise<string | undefined> {
  let newest: { name: string; version: string } | undefined
  for (const name of names) {
    const { version } = await apt.show(name)
    if (newest === undefined || (await isNewer(version, newest.version, programs))) {
      newest = { name, version }
    }
  }
  return newest?.name
}

/** The exit status of the command says it. */
async function isNewer(one: string, other: string, programs: Programs): Promise<boolean> {
  try {
    await programs.output('dpkg', ['--compare-versions', one, 'gt', other])
    return true
  } catch {
    return false
  }
}
