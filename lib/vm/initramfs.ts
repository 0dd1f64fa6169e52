/** The first file system of the guest: busybox, an init, and the modules that the shared root needs. */
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, extname, join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { vmError } from './errors'
import { INIT } from './guest-scripts'
import type { GuestKernel } from './kernels'
import { pathOf, type Programs } from './programs'

const FOLDERS = ['bin', 'dev', 'proc', 'sys', 'host', 'results', 'memory', 'root', 'modules']

/** The modules that the mounts of the init need. modprobe adds their dependencies. */
const MODULES = ['virtio_pci', '9p', '9pnet_virtio', 'overlay']

/** Module files are decompressed on the host, because the insmod of busybox cannot do it. */
const DECOMPRESSORS: Record<string, string> = { '.xz': 'xz', '.zst': 'zstd', '.gz': 'gzip' }

/**
 * Returns a compressed cpio archive, as the kernel expects it. `root`: that of the guest's system, whose
 * busybox runs on the guest's processor.
 */
export async function makeInitramfs(
  kernel: GuestKernel,
  programs: Programs,
  root = '/',
): Promise<Buffer> {
  const folder = mkdtempSync(join(tmpdir(), 'node-kmod-initramfs-'))
  try {
    for (const name of FOLDERS) mkdirSync(join(folder, name))
    copyFileSync(findBusybox(root), join(folder, 'bin', 'busybox'))
    writeFileSync(join(folder, 'init'), INIT)
    chmodSync(join(folder, 'init'), 0o755)
    const names: string[] = []
    for (const file of await moduleFiles(kernel, programs)) {
      names.push(await unpackModule(file, join(folder, 'modules'), programs))
    }
    writeFileSync(join(folder, 'modules', 'order'), names.map((name) => `${name}\n`).join(''))
    const list = await programs.text('find', ['.'], { cwd: folder })
    const cpio = ['-o', '-H', 'newc', '--quiet']
    return gzipSync(await programs.output('cpio', cpio, { cwd: folder, input: list }), { level: 1 })
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** The path of a busybox that needs no libraries: this file system has none. */
function findBusybox(root: string): string {
  const paths = ['bin/busybox', 'usr/bin/busybox'].map((path) => join(root, path))
  const path = root === '/' ? pathOf('busybox')! : paths.find((one) => existsSync(one))!
  // The path of the dynamic loader is in each program that needs one.
  if (readFileSync(path).includes('/ld-linux')) {
    throw vmError(
      `${path} needs shared libraries, which the guest does not have when it boots. Install: \`apt-get install busybox-static\`.`,
    )
  }
  return path
}

/** The module files in the order of loading; a module that is built in has none. */
async function moduleFiles({ root, release }: GuestKernel, programs: Programs): Promise<string[]> {
  const files = new Set<string>()
  for (const name of MODULES) {
    const args = ['-d', root, '-S', release, '--show-depends', name]
    for (const line of (await programs.text('modprobe', args)).split('\n')) {
      const file = /^insmod (\S+)/.exec(line)?.[1]
      if (file !== undefined) files.add(file)
    }
  }
  return [...files]
}

/** Writes the module into the folder, without compression. Returns its file name there. */
async function unpackModule(file: string, folder: string, programs: Programs): Promise<string> {
  const ending = extname(file)
  const command = DECOMPRESSORS[ending]
  if (command === undefined) {
    copyFileSync(file, join(folder, basename(file)))
    return basename(file)
  }
  const name = basename(file, ending)
  writeFileSync(join(folder, name), await programs.output(command, ['-dc', file]))
  return name
}
