/** A guest: boots a kernel on a root of the host, shared read-only, and runs one command in it. */
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
import { accelerator } from './accelerator'
import { commandScript, RESULTS } from './guest-scripts'
import { makeInitramfs } from './initramfs'
import type { GuestKernel } from './kernels'
import { qemu } from './qemu'

export interface GuestCommand {
  /** argv. Runs as root on the guest's root; what it writes stays in an overlay in memory. */
  command: readonly string[]
  /**
   * The root of the guest's system, a folder of the host. Default: that of the host. The host's files are
   * in /host of a guest with another root.
   */
  root?: string
  /** Default /. */
  cwd?: string
  env?: Readonly<Record<string, string>>
  /** Milliseconds for everything, boot included. Default 10 minutes. */
  deadline?: number
  /** MiB. Default 1536. */
  memory?: number
  /** How many processors the guest has. Default: as many as the host has, at most 2. */
  processors?: number
  /** Appended to the kernel command line. */
  append?: string
  /** Whether the guest has a network card (e1000), which is connected to nothing. Default false. */
  nic?: boolean
  /**
   * Whether the guest has a USB keyboard (xhci_pci, usbhid, hid_generic) and a display (bochs). Default
   * false.
   */
  seat?: boolean
  /** Called with what the command prints, while it runs. */
  onOutput?: (text: string) => void
}

export interface GuestResult {
  /** The command's exit status. */
  status: number
  /** What the command printed on both its outputs. */
  output: string
  /** What the guest's kernel printed. */
  console: string
  /** The files that the command left in /results/files. */
  files: ReadonlyMap<string, Buffer>
}

const DEFAULT_DEADLINE = 600_000
const DEFAULT_MEMORY = 1536
const DEFAULT_PROCESSORS = Math.min(2, availableParallelism())

/**
 * Resolves when the command has ended, whatever its exit status. Rejects, with the end of the console,
 * if the guest stopped before that or the deadline passed.
 */
export async function runInGuest(kernel: GuestKernel, guest: GuestCommand): Promise<GuestResult> {
  const deadline = guest.deadline ?? DEFAULT_DEADLINE
  const folder = mkdtempSync(join(tmpdir(), 'node-kmod-vm-'))
  const path = (...names: string[]): string => join(folder, ...names)
  const read = (name: string): string =>
    existsSync(path(name)) ? readFileSync(path(name), 'utf8') : ''
  try {
    mkdirSync(path(RESULTS.files))
    const root = guest.root ?? '/'
    writeFileSync(path(RESULTS.systemRoot), root)
    writeFileSync(path(RESULTS.kernelRoot), kernel.root)
    writeFileSync(path(RESULTS.kernelConfig), kernel.config)
    const script = commandScript(guest.command, guest.cwd ?? '/', guest.env ?? {})
    writeFileSync(path(RESULTS.script), script)
    writeFileSync(path(RESULTS.output), '')
    writeFileSync(path('initramfs'), makeInitramfs(kernel, root))
    const args = await machineArguments(kernel, guest, folder)
    const stopFollowing = follow(path(RESULTS.output), guest.onOutput)
    const { isOutOfTime, stderr } = await qemu(kernel.architecture, args, deadline).finally(
      stopFollowing,
    )
    const status = read(RESULTS.status).trim()
    if (status === '') {
      const what = isOutOfTime
        ? `did not end within ${deadline / 1000} s`
        : 'stopped before the command had ended'
      throw new Error(
        `The guest with kernel ${kernel.release} ${what}.\n` +
          `${stderr}--- the end of its console ---\n${read('console').slice(-6000)}\n` +
          `--- the end of what the command printed ---\n${read(RESULTS.output).slice(-3000)}`,
      )
    }
    const names = readdirSync(path(RESULTS.files))
    return {
      status: Number(status),
      output: read(RESULTS.output),
      console: read('console'),
      files: new Map(names.map((name) => [name, readFileSync(path(RESULTS.files, name))])),
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** QEMU's arguments. `folder` has the initramfs, gets the console, and is mounted at /results. */
async function machineArguments(
  kernel: GuestKernel,
  guest: GuestCommand,
  folder: string,
): Promise<string[]> {
  const share = (id: string, path: string, more: string): string[] => [
    ...['-fsdev', `local,id=${id},path=${path},security_model=none${more}`],
    ...['-device', `virtio-9p-pci,fsdev=${id},mount_tag=${id}`],
  ]
  const nic = ['-netdev', 'user,id=nic,restrict=on', '-device', 'e1000,netdev=nic,romfile=']
  const seat = ['qemu-xhci', 'usb-kbd', 'bochs-display'].flatMap((name) => ['-device', name])
  return [
    ...(await accelerator(kernel)),
    ...['-smp', String(guest.processors ?? DEFAULT_PROCESSORS)],
    ...['-m', String(guest.memory ?? DEFAULT_MEMORY)],
    ...['-nodefaults', '-no-reboot', '-display', 'none'],
    ...['-serial', `file:${join(folder, 'console')}`],
    ...['-kernel', kernel.image, '-initrd', join(folder, 'initramfs')],
    // After a panic the kernel reboots at once (panic=-1), and QEMU ends instead (-no-reboot). On a busy
    // host an emulated timer interrupt can come too late for the kernel's check, which panics.
    ...[
      '-append',
      `console=${kernel.architecture.console} quiet panic=-1 no_timer_check ${guest.append ?? ''}`.trim(),
    ],
    // remap: the host's root can consist of several file systems.
    ...share('root', '/', ',readonly=on,multidevs=remap'),
    ...share('results', folder, ''),
    ...(guest.nic === true ? nic : []),
    ...(guest.seat === true ? seat : []),
  ]
}

/** Calls `onText` with what is appended to a file, until the returned function is called. */
function follow(path: string, onText: ((text: string) => void) | undefined): () => void {
  if (onText === undefined) return () => undefined
  const file = openSync(path, 'r')
  const buffer = Buffer.alloc(64 * 1024)
  const passOn = (): void => {
    for (;;) {
      const length = readSync(file, buffer, 0, buffer.length, null)
      if (length === 0) return
      onText(buffer.toString('utf8', 0, length))
    }
  }
  const timer = setInterval(passOn, 200)
  return () => {
    clearInterval(timer)
    passOn()
    closeSync(file)
  }
}
