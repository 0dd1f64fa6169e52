/** Debian kernels to boot: found, downloaded and unpacked into the cache. */
import { existsSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Apt } from './apt'
import { ARM64, X64, type Architecture } from './architectures'
import { filledFolder } from './cache'
import { output, text } from './command'

/** `5.10`: the kernel of Debian 11. `newest`: the kernel of Debian unstable. */
export const KERNELS = ['5.10', '6.1', '6.12', 'newest'] as const
export type KernelName = (typeof KERNELS)[number]

export interface GuestKernel {
  name: KernelName | 'arm64'
  architecture: Architecture
  /** As `uname -r` prints it. */
  release: string
  /** A folder with lib/modules/RELEASE and depmod's indexes. */
  root: string
  image: string
  /** The kernel's configuration file. */
  config: string
  /**
   * The folder that contains linux-headers-RELEASE; null for the newest kernel, whose headers need a
   * newer compiler and C library than Debian stable has.
   */
  headers: string | null
}

/** The file that shows that a folder in the cache is complete. */
const RECORD = 'kernel.json'

/** Downloads the kernel if the cache does not have it yet. */
export function prepareKernel(name: KernelName): GuestKernel {
  const folder = filledFolder(['kernels', name], RECORD, (temporary) => {
    const release = name === 'newest' ? fetchNewest(temporary) : fetchStable(name, temporary)
    depmod(temporary, release)
    writeFileSync(join(temporary, RECORD), JSON.stringify({ release }))
  })
  const { release } = JSON.parse(readFileSync(join(folder, RECORD), 'utf8')) as { release: string }
  // Since 7.x the image and the configuration are in the folder of the modules.
  const boot = join(folder, 'boot', `vmlinuz-${release}`)
  const modules = join(folder, 'lib', 'modules', release)
  return {
    name,
    architecture: X64,
    release,
    root: folder,
    image: existsSync(boot) ? boot : join(modules, 'vmlinuz'),
    config: existsSync(boot) ? join(folder, 'boot', `config-${release}`) : join(modules, 'config'),
    headers: name === 'newest' ? null : join(folder, 'usr', 'src'),
  }
}

/** The kernel of Debian 13 for arm64. */
export function prepareArm64Kernel(): GuestKernel {
  const folder = filledFolder(['kernels', 'arm64'], RECORD, (temporary) => {
    const apt = new Apt('Debian 13', ARM64.debian)
    const isImage = (name: string): boolean => /^linux-image-\d/.test(name)
    const image = apt.show('linux-image-arm64').depends.find(isImage)
    if (image === undefined) {
      throw new Error('The package linux-image-arm64 of Debian 13 depends on no kernel image.')
    }
    apt.unpack([image], temporary)
    if (!existsSync(join(temporary, 'lib'))) symlinkSync('usr/lib', join(temporary, 'lib'))
    const release = image.slice('linux-image-'.length)
    depmod(temporary, release)
    writeFileSync(join(temporary, RECORD), JSON.stringify({ release }))
  })
  const { release } = JSON.parse(readFileSync(join(folder, RECORD), 'utf8')) as { release: string }
  return {
    name: 'arm64',
    architecture: ARM64,
    release,
    root: folder,
    image: join(folder, 'boot', `vmlinuz-${release}`),
    config: join(folder, 'boot', `config-${release}`),
    headers: null,
  }
}

/** Writes the indexes of lib/modules/RELEASE. */
export function depmod(root: string, release: string): void {
  text('depmod', ['-b', root, release], { from: 'kmod' })
}

/**
 * Unpacks the newest kernel of this version from the system's package sources, and 5.10 from Debian 11.
 * Returns its release.
 */
function fetchStable(version: string, folder: string): string {
  const isOld = version === '5.10'
  const apt = new Apt(isOld ? 'Debian 11' : 'configured')
  const images = apt
    .search(`^linux-image-${version.replaceAll('.', '\\.')}\\.`)
    .filter((image) => /^linux-image-[\d.]+[-+][\w.]*-?amd64$/.test(image))
    // The cloud kernel does not support 9p.
    .filter((image) => !/cloud|rt-|unsigned|dbg/.test(image))
  const image = newestOf(apt, images)
  if (image === undefined) {
    throw new Error(
      `There is no kernel ${version} for amd64 ${isOld ? 'at the mirror of Debian 11' : 'in the package sources of /etc/apt'}. Debian 11 has 5.10, Debian 12 has 6.1, and its security updates 6.12.`,
    )
  }
  const release = image.slice('linux-image-'.length)
  const headers = `linux-headers-${release}`
  const needed = apt.show(headers).depends.filter((one) => /^linux-(headers|kbuild)-/.test(one))
  apt.unpack([image, headers, ...needed], folder)
  return release
}

function fetchNewest(folder: string): string {
  const apt = new Apt('unstable')
  const image = apt.show('linux-image-amd64').depends.find((one) => one.startsWith('linux-image-'))
  if (image === undefined) {
    throw new Error('The package linux-image-amd64 of Debian unstable depends on no kernel image.')
  }
  const release = image.slice('linux-image-'.length)
  // Since 7.x the image, the modules and the configuration are packages of their own.
  const parts = apt.show(image).depends.filter((one) => one.endsWith(release))
  apt.unpack(parts.length > 0 ? parts : [image], folder)
  if (!existsSync(join(folder, 'lib'))) symlinkSync('usr/lib', join(folder, 'lib'))
  return release
}

function newestOf(apt: Apt, names: readonly string[]): string | undefined {
  const versions = new Map(names.map((name) => [name, apt.show(name).version]))
  const isNewer = (one: string, other: string): boolean => {
    try {
      output('dpkg', ['--compare-versions', versions.get(one)!, 'gt', versions.get(other)!])
      return true
    } catch {
      return false
    }
  }
  return names.reduce<string | undefined>(
    (newest, name) => (newest === undefined || isNewer(name, newest) ? name : newest),
    undefined,
  )
}
