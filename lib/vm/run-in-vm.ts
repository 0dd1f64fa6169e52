/** Implements runInVm(): boots a kernel on this machine's root, shared read-only, and runs one command. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { KmodError } from '../contract/errors'
import { acceleratorArguments } from './accelerator'
import { Limit, vmError } from './errors'
import { filesBelow, prepareGuestKernel } from './extra-modules'
import { follow } from './follow'
import { commandScript, RESULTS, SYSTEMD_SCRIPT } from './guest-scripts'
import { makeInitramfs } from './initramfs'
import type { GuestKernel } from './kernels'
import { checkVmOptions, type CheckedVmOptions, type VmOptions } from './options'
import { Programs, requirePrograms, VM_PROGRAMS } from './programs'
import { qemu } from './qemu'

/** What `runInVm` resolves with. */
export interface VmResult {
  /** The command's exit status. 127: there is no such program; 1 also if `cwd` does not exist there. */
  exitCode: number
  stdout: string
  stderr: string
  /** The files that the command left in the folder `$RESULTS`, by their path in it. */
  files: Map<string, Buffer>
  /** What the guest's kernel printed. */
  console: string
}

/** Milliseconds for what comes before the guest: downloads and builds. */
const PREPARATION = 900_000

/**
 * Boots a kernel in QEMU, runs a command there as root, and resolves when it has ended, whatever its exit
 * status. The guest sees the files of this machine, with this folder and its node_modules; what it writes
 * stays in its memory. It has no network.
 *
 * Rejects with ERR_KMOD_VM, which has the end of the console, if the guest dies, does not end in time, or
 * if QEMU is missing; with ERR_KMOD_ABORTED when the signal aborts; and with ERR_KMOD_UNSUPPORTED on other
 * machines than Linux on x64.
 *
 * @example
 * ```js
 * const { exitCode, stdout } = await runInVm({ kernel: '6.12', command: ['npx', 'jest', 'test/driver'] })
 * ```
 */
export async function runInVm(options: VmOptions): Promise<VmResult> {
  const checked = checkVmOptions(options)
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new KmodError(
      'ERR_KMOD_UNSUPPORTED',
      `Virtual machines run on Linux on x64, not on ${process.platform} on ${process.arch}.`,
    )
  }
  return runInGuest(checked, (programs) => prepareGuestKernel(checked, programs))
}

/**
 * The same, with any kernel. `root`: the root of the guest's system, a folder of this machine; if it is
 * not /, the files of this machine are in /host.
 */
export async function runInGuest(
  options: CheckedVmOptions,
  kernelOf: (programs: Programs) => Promise<GuestKernel>,
  root = '/',
): Promise<VmResult> {
  requirePrograms(VM_PROGRAMS, 'A virtual machine')
  const folder = mkdtempSync(join(tmpdir(), 'node-kmod-vm-'))
  try {
    const { kernel, args } = await prepare(options, kernelOf, root, folder)
    return await run(kernel, args, options, folder)
  } catch (error) {
    throw asKmodError(error)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Returns the kernel, and QEMU's arguments. */
async function prepare(
  options: CheckedVmOptions,
  kernelOf: (programs: Programs) => Promise<GuestKernel>,
  root: string,
  folder: string,
): Promise<{ kernel: GuestKernel; args: string[] }> {
  const limit = new Limit('Preparing the virtual machine', PREPARATION, options.signal)
  const programs = new Programs(limit.signal, options.onProgress)
  try {
    const kernel = await kernelOf(programs)
    mkdirSync(join(folder, RESULTS.files))
    const write = (name: string, content: string | Buffer): void =>
      writeFileSync(join(folder, name), content)
    write(RESULTS.systemRoot, root)
    write(RESULTS.kernelRoot, kernel.root)
    write(RESULTS.kernelConfig, kernel.config ?? '')
    const script = commandScript(options.command, resolve(options.cwd), options.env)
    write(options.systemd === true ? RESULTS.service : RESULTS.script, script)
    if (options.systemd === true) write(RESULTS.script, SYSTEMD_SCRIPT)
    for (const name of [RESULTS.stdout, RESULTS.stderr, CONSOLE]) write(name, '')
    write(INITRAMFS, await makeInitramfs(kernel, programs, root))
    const accelerator = await acceleratorArguments(options.accelerator, kernel, programs)
    return { kernel, args: [...accelerator, ...machineArguments(kernel, options, folder)] }
  } finally {
    limit.end()
  }
}

const CONSOLE = 'console'
const INITRAMFS = 'initramfs'

async function run(
  kernel: GuestKernel,
  args: readonly string[],
  { timeout, signal, onConsole, onOutput }: CheckedVmOptions,
  folder: string,
): Promise<VmResult> {
  const path = (name: string): string => join(folder, name)
  const read = (name: string): string =>
    existsSync(path(name)) ? readFileSync(path(name), 'utf8') : ''
  const failure = (what: string, stderr = ''): KmodError =>
    vmError(
      `The guest with the kernel ${kernel.release} ${what}.\n` +
        `${stderr}--- the end of its console ---\n${read(CONSOLE).slice(-6000)}\n` +
        `--- the end of what the command printed ---\n${read(RESULTS.stdout).slice(-3000)}` +
        read(RESULTS.stderr).slice(-3000),
      read(CONSOLE).slice(-64_000),
    )
  const overdue = (): KmodError => failure(`did not end within ${timeout / 1000} s`)
  const limit = new Limit(`The guest with the kernel ${kernel.release}`, timeout, signal, overdue)
  const callbackFailed = (error: unknown): void =>
    limit.abort(vmError('A callback of runInVm threw an error, so the guest was ended.', '', error))
  const stops = [
    follow(path(CONSOLE), onConsole, callbackFailed),
    ...(['stdout', 'stderr'] as const).map((stream) =>
      follow(
        path(RESULTS[stream]),
        onOutput && ((text: string): void => onOutput(text, stream)),
        callbackFailed,
      ),
    ),
  ]
  const stopAll = (): void => stops.splice(0).forEach((stop) => stop())
  try {
    const stderr = await qemu(kernel.architecture, args, limit.signal)
    // What the callbacks throw now counts, too.
    const isOverdue = limit.signal.aborted
    stopAll()
    if (!isOverdue) limit.check()
    const status = read(RESULTS.status).trim()
    if (status === '') {
      limit.check()
      throw failure('stopped before the command had ended', stderr)
    }
    return {
      exitCode: Number(status),
      stdout: read(RESULTS.stdout),
      stderr: read(RESULTS.stderr),
      // Without links: in the guest they lead elsewhere.
      files: new Map(
        filesBelow(path(RESULTS.files)).map((name) => [
          name,
          readFileSync(join(path(RESULTS.files), name)),
        ]),
      ),
      console: read(CONSOLE),
    }
  } finally {
    limit.end()
    stopAll()
  }
}

/** QEMU's arguments. `folder` has the initramfs, gets the console, and is mounted at /results. */
function machineArguments(
  kernel: GuestKernel,
  { processors, memory, append = '', nic = false, forward, seat = false }: CheckedVmOptions,
  folder: string,
): string[] {
  const share = (id: string, path: string, more: string): string[] => [
    ...['-fsdev', `local,id=${id},path=${path},security_model=none${more}`],
    ...['-device', `virtio-9p-pci,fsdev=${id},mount_tag=${id}`],
  ]
  const port = forward ? `,hostfwd=tcp:127.0.0.1:${forward.host}-:${forward.guest}` : ''
  const card = [
    ...['-netdev', `user,id=nic,restrict=on${port}`],
    ...['-device', 'e1000,netdev=nic,romfile='],
  ]
  const devices = ['qemu-xhci', 'usb-kbd', 'bochs-display'].flatMap((name) => ['-device', name])
  return [
    ...['-smp', String(processors), '-m', String(memory)],
    ...['-nodefaults', '-no-reboot', '-display', 'none'],
    ...['-serial', `file:${join(folder, CONSOLE)}`],
    ...['-kernel', kernel.image, '-initrd', join(folder, INITRAMFS)],
    // After a panic the kernel reboots at once (panic=-1), and QEMU ends instead (-no-reboot). On a busy
    // host an emulated timer interrupt can come too late for the kernel's check, which panics.
    ...[
      '-append',
      `console=${kernel.architecture.console} quiet panic=-1 no_timer_check ${append}`.trim(),
    ],
    // remap: the host's root can consist of several file systems.
    ...share('root', '/', ',readonly=on,multidevs=remap'),
    ...share('results', folder, ''),
    ...(nic ? card : []),
    ...(seat ? devices : []),
  ]
}

/** What was not expected: a program that failed, or a full disk. */
function asKmodError(error: unknown): unknown {
  if (error instanceof KmodError || !(error instanceof Error)) return error
  return vmError(`The virtual machine could not be prepared: ${error.message}`, '', error)
}
