/** Debian kernels to boot: found, downloaded, unpacked, with the modules with bad manners built in. */
import { createHash } from 'node:crypto'
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { Apt } from './apt'
import { cacheFolder } from './cache'
import { output, text } from './command'

/** `newest`: what Debian unstable has, a 7.x now. */
export const KERNELS = ['6.1', '6.12', 'newest'] as const
export type KernelName = (typeof KERNELS)[number]

export interface GuestKernel {
  name: KernelName
  /** As uname -r will say. */
  release: string
  /** Holds lib/modules/RELEASE, indexed by depmod. */
  root: string
  image: string
  /** The kernel's configuration. */
  config: string
  /** Are test/vm/modules among the modules? (The newest kernel's headers want a newer Debian.) */
  hasTestModules: boolean
}

const TEST_MODULES = join(__dirname, '..', '..', 'test', 'vm', 'modules')

/** Downloads and builds what is not in the cache yet. */
export function prepareKernel(name: KernelName): GuestKernel {
  const folder = join(cacheFolder('kernels'), name)
  const recordFile = join(folder, 'kernel.json')
  if (!existsSync(recordFile)) {
    rmSync(folder, { recursive: true, force: true })
    mkdirSync(folder, { recursive: true })
    const release = name === 'newest' ? fetchNewest(folder) : fetchStable(name, folder)
    writeFileSync(recordFile, JSON.stringify({ release }))
  }
  const { release } = JSON.parse(readFileSync(recordFile, 'utf8')) as { release: string }
  const modules = join(folder, 'lib', 'modules', release)
  const inBoot = existsSync(join(folder, 'boot', `vmlinuz-${release}`))
  const kernel: GuestKernel = {
    name,
    release,
    root: folder,
    image: inBoot ? join(folder, 'boot', `vmlinuz-${release}`) : join(modules, 'vmlinuz'),
    config: inBoot ? join(folder, 'boot', `config-${release}`) : join(modules, 'config'),
    hasTestModules: name !== 'newest',
  }
  if (kernel.hasTestModules) buildTestModules(kernel)
  if (!existsSync(join(modules, 'modules.dep.bin'))) depmod(kernel)
  return kernel
}

function fetchStable(name: string, folder: string): string {
  const apt = new Apt('configured')
  const version = name.replaceAll('.', '\\.')
  const images = apt
    .search(`^linux-image-${version}\\.`)
    .filter((image) => /^linux-image-[\d.]+[-+][\w.]*-?amd64$/.test(image))
    .filter((image) => !/cloud|rt-|unsigned|dbg/.test(image))
  const image = newestOf(apt, images)
  if (image === undefined) {
    throw new Error(`The configured package sources have no kernel ${name}.`)
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
  if (image === undefined) throw new Error('linux-image-amd64 of unstable depends on no image.')
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

function depmod({ root, release }: GuestKernel): void {
  text('depmod', ['-b', root, release], { from: 'kmod' })
}

/** Builds test/vm/modules against the kernel's headers, and installs them as if with the kernel. */
function buildTestModules(kernel: GuestKernel): void {
  const { root, release } = kernel
  const installed = join(root, 'lib', 'modules', release, 'extra')
  const stamp = join(installed, 'sources')
  const now = fingerprint(TEST_MODULES)
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === now) return

  const headers = join(root, 'usr', 'src', `linux-headers-${release}`)
  relocateHeaders(root, headers)
  const build = join(root, 'test-modules')
  rmSync(build, { recursive: true, force: true })
  cpSync(TEST_MODULES, build, { recursive: true })
  text('make', ['-C', headers, `M=${build}`, 'CC=gcc', 'CROSS_COMPILE=', 'modules'], {
    from: 'make',
  })
  rmSync(installed, { recursive: true, force: true })
  mkdirSync(installed)
  for (const file of readdirSync(build).filter((one) => one.endsWith('.ko'))) {
    cpSync(join(build, file), join(installed, file))
  }
  depmod(kernel)
  writeFileSync(stamp, now)
}

/** The headers are made for /usr/src; and want BTF from vmlinux, which takes a tool more. */
function relocateHeaders(root: string, headers: string): void {
  const makefile = join(headers, 'Makefile')
  const content = readFileSync(makefile, 'utf8')
  writeFileSync(makefile, content.replace('include /usr/src/', `include ${root}/usr/src/`))
  rmSync(join(headers, 'vmlinux'), { force: true })
}

function fingerprint(folder: string): string {
  const hash = createHash('sha256')
  for (const name of readdirSync(folder).sort()) {
    hash.update(name).update(readFileSync(join(folder, name)))
  }
  return hash.digest('hex')
}
