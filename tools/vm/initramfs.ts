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
import { basename, join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { output, text } from './command'
import { INIT } from './guest-scripts'
import type { GuestKernel } from './kernels'

const FOLDERS = ['bin', 'dev', 'proc', 'sys', 'host', 'results', 'memory', 'root', 'modules']

/** The modules that the mounts of the init need. modprobe adds their dependencies. */
const MODULES = ['virtio_pci', '9p', '9pnet_virtio', 'overlay']

/** Module files are decompressed on the host, because the insmod of busybox cannot do it. */
const DECOMPRESSORS: Record<string, [command: string, from: string]> = {
  '.xz': ['xz', 'xz-utils'],
  '.zst': ['zstd', 'zstd'],
}

/**
 * Returns a compressed cpio archive, as the kernel expects it.
 *
 * @param root the root of the guest's system
 */
export function makeInitramfs(kernel: GuestKernel, root = '/'): Buffer {
  const folder = mkdtempSync(join(tmpdir(), 'node-kmod-initramfs-'))
  try {
    for (const name of FOLDERS) mkdirSync(join(folder, name))
    copyFileSync(findBusybox(root), join(folder, 'bin', 'busybox'))
    writeFileSync(join(folder, 'init'), INIT)
    chmodSync(join(folder, 'init'), 0o755)
    const names = moduleFiles(kernel).map((file) => unpackModule(file, join(folder, 'modules')))
    writeFileSync(join(folder, 'modules', 'order'), names.map((name) => `${name}\n`).join(''))
    const list = text('find', ['.'], { cwd: folder })
    return gzipSync(
      output('cpio', ['-o', '-H', 'newc', '--quiet'], { cwd: folder, input: list, from: 'cpio' }),
      { level: 1 },
    )
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** The path of busybox. It must be linked statically: this file system has no libraries. */
function findBusybox(root: string): string {
  if (root !== '/')
    return ['bin/busybox', 'usr/bin/busybox'].map((path) => join(root, path)).find(existsSync)!
  return text('busybox', ['which', 'busybox'], { from: 'busybox-static' }).trim()
}

/** The module files in the order of loading; a module that is built in has none. */
function moduleFiles({ root, release }: GuestKernel): string[] {
  const lines = MODULES.flatMap((name) =>
    text('modprobe', ['-d', root, '-S', release, '--show-depends', name], {
      from: 'kmod',
    }).split('\n'),
  )
  const files = lines.flatMap((line) => /^insmod (\S+)/.exec(line)?.[1] ?? [])
  return [...new Set(files)]
}

/** Writes the module into the folder, without compression. Returns its file name there. */
function unpackModule(file: string, folder: string): string {
  for (const [ending, [command, from]] of Object.entries(DECOMPRESSORS)) {
    if (!file.endsWith(ending)) continue
    const name = basename(file, ending)
    writeFileSync(join(folder, name), output(command, ['-dc'], { input: readFileSync(file), from }))
    return name
  }
  copyFileSync(file, join(folder, basename(file)))
  return basename(file)
}
