/**
 * The first file system of the guest: busybox, the modules that the shared root takes, and an init
 * that mounts it, runs one command in it and powers off. There is no disk image.
 */
import {
  chmodSync,
  copyFileSync,
  cpSync,
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
import type { GuestKernel } from './kernels'

/** What the guest's root needs, besides what these depend on. */
const MODULES = ['virtio_pci', '9p', '9pnet_virtio', 'overlay']

/** Decompressors for module files: busybox's insmod takes plain ones only. */
const DECOMPRESSORS: Record<string, [string, string]> = {
  '.xz': ['xz', 'xz-utils'],
  '.zst': ['zstd', 'zstd'],
}

/** The guest's init runs this script in the shared root; it lies in the folder for results. */
export const SCRIPT = 'script'
/** The exit status of the script. */
export const STATUS = 'status'

const INIT = `#!/bin/busybox sh
# What goes wrong in here ends in the console's log, and the guest stops: there is nobody to ask.
b=/bin/busybox
fail() { echo "guest: $*"; $b poweroff -f; }
$b mount -t proc proc /proc
$b mount -t sysfs sysfs /sys
$b mount -t devtmpfs devtmpfs /dev
if $b grep -q kmod_probe /proc/cmdline; then echo "guest: probe"; $b poweroff -f; fi

while read -r module; do
  $b insmod "/modules/$module" || fail "insmod $module"
done < /modules/order

# 9p2000.L over virtio; the host's root may not change while the guest runs, so caching is fine.
$b mount -t 9p -o trans=virtio,version=9p2000.L,ro,cache=loose,msize=512000 root /host || fail "no root"
$b mount -t 9p -o trans=virtio,version=9p2000.L,msize=512000 results /results || fail "no results"
$b mount -t tmpfs -o size=75% tmpfs /memory
$b mkdir /memory/upper /memory/work /memory/modules-upper /memory/modules-work
$b mount -t overlay -o lowerdir=/host,upperdir=/memory/upper,workdir=/memory/work overlay /root \\
  || fail "no overlay"

release=$($b uname -r)
kernel=/host$($b cat /results/kernel-root)
$b mkdir -p "/root/lib/modules/$release" /root/results
$b mount -t overlay \\
  -o "lowerdir=$kernel/lib/modules/$release,upperdir=/memory/modules-upper,workdir=/memory/modules-work" \\
  overlay "/root/lib/modules/$release" || fail "no modules"
$b cp "/host$($b cat /results/kernel-config)" "/root/boot/config-$release"
$b mount --move /results /root/results
for place in proc sys dev; do $b mount --move /$place /root/$place; done
$b mkdir -p /root/dev/pts /root/dev/shm
$b mount -t devpts devpts /root/dev/pts
$b mount -t tmpfs tmpfs /root/dev/shm
$b mount -t securityfs securityfs /root/sys/kernel/security
$b mount -t tracefs tracefs /root/sys/kernel/tracing
$b ifconfig lo 127.0.0.1 up

# Not chroot: a process in one may not make user namespaces. The script is init from here on.
exec $b switch_root /root /bin/sh /results/${SCRIPT}
`

/** A compressed cpio archive for the kernel. */
export function makeInitramfs(kernel: GuestKernel): Buffer {
  const folder = mkdtempSync(join(tmpdir(), 'node-kmod-initramfs-'))
  try {
    for (const place of [
      'bin',
      'dev',
      'proc',
      'sys',
      'host',
      'results',
      'memory',
      'root',
      'modules',
    ]) {
      mkdirSync(join(folder, place))
    }
    // Debian's package busybox-static; other distributions call it busybox.
    const busybox = text('which', ['busybox'], { from: 'busybox-static' }).trim()
    copyFileSync(busybox, join(folder, 'bin', 'busybox'))
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

/** The .ko files in the order of loading; built-ins have none. */
function moduleFiles({ root, release }: GuestKernel): string[] {
  const lines = MODULES.flatMap((name) =>
    text('modprobe', ['-d', root, '-S', release, '--show-depends', name], {
      from: 'kmod',
    }).split('\n'),
  )
  const files = lines.flatMap((line) => /^insmod (\S+)/.exec(line)?.[1] ?? [])
  return [...new Set(files)]
}

function unpackModule(file: string, folder: string): string {
  for (const [ending, [command, from]] of Object.entries(DECOMPRESSORS)) {
    if (!file.endsWith(ending)) continue
    const name = basename(file, ending)
    writeFileSync(join(folder, name), output(command, ['-dc'], { input: readFileSync(file), from }))
    return name
  }
  cpSync(file, join(folder, basename(file)))
  return basename(file)
}
