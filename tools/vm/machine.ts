/** Boots a kernel in QEMU, with the host's root shared read-only, and runs one command in it. */
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { accelerator, qemu } from './accelerator'
import { makeInitramfs, SCRIPT, STATUS } from './initramfs'
import type { GuestKernel } from './kernels'

export interface GuestCommand {
  /** argv; run on top of the shared root, as root, with a writable overlay in memory. */
  command: readonly string[]
  cwd?: string
  env?: Readonly<Record<string, string>>
  /** Milliseconds for everything, boot included; default 10 minutes. */
  deadline?: number
  /** MiB; default 1536. */
  memory?: number
  /** Emulated ones; default half of the real ones, 2 at the most. */
  processors?: number
  /** Appended to the kernel command line. */
  append?: string
  /** More arguments for QEMU: devices that a test wants to see. */
  devices?: readonly string[]
  /** Told what the command prints, as it does. */
  onOutput?: (text: string) => void
}

export interface GuestResult {
  /** The command's exit status. */
  status: number
  /** What it printed on both its outputs. */
  output: string
  /** What the guest's kernel printed. */
  console: string
  /** The files that the command left in /results/files. */
  files: ReadonlyMap<string, Buffer>
}

const DEFAULT_DEADLINE = 600_000

/**
 * Resolves when the command has run, whatever its status. Rejects, with the end of the console, when
 * the guest died or the deadline passed.
 */
export async function runInGuest(kernel: GuestKernel, guest: GuestCommand): Promise<GuestResult> {
  const deadline = guest.deadline ?? DEFAULT_DEADLINE
  const folder = mkdtempSync(join(tmpdir(), 'node-kmod-vm-'))
  const path = (name: string): string => join(folder, name)
  const read = (name: string): string =>
    existsSync(path(name)) ? readFileSync(path(name), 'utf8') : ''
  try {
    mkdirSync(path('files'))
    writeFileSync(path('initramfs'), makeInitramfs(kernel))
    writeFileSync(path('kernel-root'), kernel.root)
    writeFileSync(path('kernel-config'), kernel.config)
    writeFileSync(path(SCRIPT), guestScript(guest))
    writeFileSync(path('output'), '')
    const stopTail = tail(path('output'), guest.onOutput)
    const end = await qemu([...(await machineArguments(kernel, guest, folder))], deadline).finally(
      stopTail,
    )
    const status = read(STATUS).trim()
    if (status === '') {
      const what = end.outOfTime ? `did not end within ${deadline / 1000} s` : 'died'
      throw new Error(
        `The guest with kernel ${kernel.release} ${what}.\n` +
          `${end.said}--- the end of its console ---\n${read('console').slice(-6000)}\n` +
          `--- the end of what the command printed ---\n${read('output').slice(-3000)}`,
      )
    }
    const names = readdirSync(path('files'))
    return {
      status: Number(status),
      output: read('output'),
      console: read('console'),
      files: new Map(names.map((name) => [name, readFileSync(path(join('files', name)))])),
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Guests run two at a time (ring.ts): more emulated processors than real ones only wait. */
const processors = Math.max(1, Math.min(2, Math.floor(availableParallelism() / 2)))

async function machineArguments(
  kernel: GuestKernel,
  guest: GuestCommand,
  folder: string,
): Promise<string[]> {
  const share = (id: string, path: string, more: string): string[] => [
    ...['-fsdev', `local,id=${id},path=${path},security_model=none${more}`],
    ...['-device', `virtio-9p-pci,fsdev=${id},mount_tag=${id}`],
  ]
  return [
    ...(await accelerator()),
    ...['-smp', String(guest.processors ?? processors), '-m', String(guest.memory ?? 1536)],
    ...['-nodefaults', '-no-reboot', '-display', 'none'],
    ...['-serial', `file:${join(folder, 'console')}`],
    ...['-kernel', kernel.image, '-initrd', join(folder, 'initramfs')],
    // panic=-1: a dead kernel reboots at once, and -no-reboot ends QEMU then.
    ...['-append', `console=ttyS0 quiet panic=-1 ${guest.append ?? ''}`.trim()],
    // remap: the host's root can consist of several file systems.
    ...share('root', '/', ',readonly=on,multidevs=remap'),
    ...share('results', folder, ''),
    // Hardware that a network interface can be on; nothing leads out of it.
    ...['-netdev', 'user,id=wired,restrict=on'],
    ...['-device', 'e1000,netdev=wired,romfile='],
    ...(guest.devices ?? []),
  ]
}

function guestScript({ command, cwd, env }: GuestCommand): string {
  const variables = { HOME: '/root', TERM: 'dumb', ...env }
  return `# Init of the guest, in the shared root.
export PATH=${quote(process.env.PATH ?? '')}
${Object.entries(variables)
  .map(([name, value]) => `export ${name}=${quote(value)}\n`)
  .join('')}cd ${quote(cwd ?? '/')}
${command.map(quote).join(' ')} < /dev/null > /results/output 2>&1
echo $? > /results/${STATUS}
sync
busybox poweroff -f
`
}

function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`
}

/** Passes on what is added to a file. Returns what ends it. */
function tail(path: string, onText: ((text: string) => void) | undefined): () => void {
  if (onText === undefined) return () => undefined
  const file = openSync(path, 'r')
  const buffer = Buffer.alloc(64 * 1024)
  const pass = (): void => {
    for (let got = 1; got > 0;) {
      got = readSync(file, buffer, 0, buffer.length, null)
      if (got > 0) onText(buffer.toString('utf8', 0, got))
    }
  }
  const timer = setInterval(pass, 200)
  return () => {
    clearInterval(timer)
    pass()
    closeSync(file)
  }
}
