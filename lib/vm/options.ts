/** The options of runInVm, and their check. */
import { availableParallelism } from 'node:os'
import { invalidType, invalidValue } from '../contract/errors'
import {
  abortSignal,
  callback,
  checkOptions,
  flag,
  listOf,
  oneOf,
  path,
  timeLimit,
  type Rule,
} from '../contract/options'
import { didYouMean } from '../contract/nearest'
import type { Accelerator } from './accelerator'
import { KERNELS, type KernelFiles, type KernelName } from './kernels'

/** Options of `runInVm`. */
export interface VmOptions {
  /**
   * The kernel: a version of Debian's, which is downloaded once and kept in the cache (`NODE_KMOD_CACHE`,
   * default `~/.cache/node-kmod`); or the files of a kernel of this machine. It has no default.
   */
  kernel: KernelName | KernelFiles
  /**
   * The program and its arguments, which are run as root without a shell. What it writes stays in the
   * memory of the guest. It has no default.
   */
  command: readonly string[]
  /** The working directory. Default: that of this process. */
  cwd?: string | undefined
  /** Environment variables, besides PATH, HOME, TERM and RESULTS. Default: none. */
  env?: Readonly<Record<string, string>> | undefined
  /**
   * A folder with a Kbuild file or a Makefile and C sources of modules. They are built for the kernel on
   * this machine, and are in the guest's module index: `load('NAME')` finds them. Default: none.
   */
  modules?: string | undefined
  /** How many processors the guest has. Default: those of this machine, at most 2. */
  processors?: number | undefined
  /** The memory of the guest in MiB, of which files that are written take up to 75%. Default 1536. */
  memory?: number | undefined
  /**
   * Milliseconds for the guest, its boot included. Default 600,000. The download of a kernel and the build
   * of modules, which come before, have 15 minutes of their own.
   */
  timeout?: number | undefined
  /** Whether the guest has a network card (e1000), which is connected to nothing. Default false. */
  nic?: boolean | undefined
  /**
   * A port of this machine's loopback that leads to a port of the guest's network card, which `nic` must
   * give it. The guest's address is 10.0.2.15, its router 10.0.2.2. Default: none.
   */
  forward?: { host: number; guest: number } | undefined
  /**
   * Whether the guest has a USB keyboard (xhci_pci, usbhid, hid_generic) and a display (bochs). Default
   * false.
   */
  seat?: boolean | undefined
  /**
   * Whether process 1 of the guest is the systemd of this machine. The command is then its only service.
   * Default false.
   */
  systemd?: boolean | undefined
  /** Words to add to the kernel command line. Default: none. */
  append?: string | undefined
  /**
   * `kvm`: hardware acceleration; `tcg`: emulation; `auto`: hardware acceleration if a trial shows that it
   * works. Default: the environment variable `NODE_KMOD_VM_ACCEL`, else `auto`.
   */
  accelerator?: 'auto' | 'kvm' | 'tcg' | undefined
  /** Ends the guest: the call rejects with ERR_KMOD_ABORTED. */
  signal?: AbortSignal | undefined
  /** Called before something that takes long: the download of a kernel, the build of modules. */
  onProgress?: ((what: string) => void) | undefined
  /** Called with what the guest's kernel prints, while it runs. */
  onConsole?: ((text: string) => void) | undefined
  /** Called with what the command prints, while it runs. */
  onOutput?: ((text: string, stream: 'stdout' | 'stderr') => void) | undefined
}

const DEFAULTS = { timeout: 600_000, memory: 1536, processors: Math.min(2, availableParallelism()) }

export type CheckedVmOptions = VmOptions &
  Required<Pick<VmOptions, 'cwd' | 'env' | 'accelerator' | keyof typeof DEFAULTS>>

const text: Rule<string> = {
  expected: 'a string without NUL',
  accepts: (value): value is string => typeof value === 'string' && !value.includes('\0'),
}

function wholeNumber(unit: string, least: number): Rule<number> {
  return {
    expected: `a whole number of ${unit}, ${least} or more`,
    accepts: (value): value is number => Number.isSafeInteger(value) && Number(value) >= least,
  }
}

const kernelRule: Rule<VmOptions['kernel']> = {
  expected: `one of ${KERNELS.map((name) => `'${name}'`).join(', ')}, or { image, modules } with two paths`,
  accepts: (value): value is KernelName | KernelFiles =>
    typeof value === 'object' && value !== null
      ? 'image' in value &&
        path.accepts(value.image) &&
        'modules' in value &&
        path.accepts(value.modules)
      : (KERNELS as readonly unknown[]).includes(value),
  advice: (value) => (typeof value === 'string' ? didYouMean(value, KERNELS) : ''),
}

const isPort = (value: unknown): boolean =>
  Number.isSafeInteger(value) && Number(value) > 0 && Number(value) < 65_536

const portsRule: Rule<{ host: number; guest: number }> = {
  expected: '{ host, guest } with two ports from 1 to 65535',
  accepts: (value): value is { host: number; guest: number } =>
    typeof value === 'object' &&
    value !== null &&
    'host' in value &&
    'guest' in value &&
    isPort(value.host) &&
    isPort(value.guest),
}

const environment: Rule<Readonly<Record<string, string>>> = {
  expected: 'an object with names of variables and strings without NUL',
  accepts: (value): value is Readonly<Record<string, string>> =>
    typeof value === 'object' &&
    value !== null &&
    Object.entries(value).every(
      ([name, content]) => /^[A-Za-z_][A-Za-z0-9_]*$/.test(name) && text.accepts(content),
    ),
}

const ACCELERATORS = ['auto', 'kvm', 'tcg'] as const satisfies readonly Accelerator[]

/** With the defaults. Throws a TypeError for a wrong option. */
export function checkVmOptions(options: unknown): CheckedVmOptions {
  if (typeof options !== 'object' || options === null) {
    throw invalidType('options', 'an object', options)
  }
  const checked = checkOptions<VmOptions>(options, {
    kernel: kernelRule,
    command: listOf(text),
    cwd: path,
    env: environment,
    modules: path,
    processors: wholeNumber('processors', 1),
    memory: wholeNumber('MiB', 256),
    timeout: timeLimit,
    nic: flag,
    forward: portsRule,
    seat: flag,
    systemd: flag,
    append: text,
    accelerator: oneOf(...ACCELERATORS),
    signal: abortSignal,
    onProgress: callback,
    onConsole: callback,
    onOutput: callback,
  })
  // The types require both, but JavaScript does not.
  const { kernel, command } = checked as Partial<VmOptions>
  if (kernel === undefined) throw invalidValue('options.kernel', kernelRule.expected, kernel)
  if ((command?.[0] ?? '') === '') {
    throw invalidValue('options.command', 'a program and its arguments', command)
  }
  if (checked.forward !== undefined && checked.nic !== true) {
    throw invalidValue('options.nic', 'true with the option forward', checked.nic)
  }
  return {
    ...DEFAULTS,
    cwd: process.cwd(),
    env: {},
    accelerator: ACCELERATORS.find((one) => one === process.env.NODE_KMOD_VM_ACCEL) ?? 'auto',
    ...checked,
  }
}
