/** Runs programs of this machine, and says which package has one that is missing. */
import { spawn } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { vmError } from './errors'

/** PATH with the folders of system programs (modprobe, depmod ...), which users other than root lack. */
export const SEARCH_PATH = `${process.env.PATH ?? ''}:/usr/sbin:/sbin`

/** The packages that have the programs, on Debian and Ubuntu and on Fedora. */
const PACKAGES = {
  'qemu-system-x86_64': ['qemu-system-x86', 'qemu-system-x86-core'],
  busybox: ['busybox-static', 'busybox'],
  cpio: ['cpio', 'cpio'],
  depmod: ['kmod', 'kmod'],
  find: ['findutils', 'findutils'],
  gcc: ['gcc', 'gcc'],
  make: ['make', 'make'],
  modprobe: ['kmod', 'kmod'],
  xz: ['xz-utils', 'xz'],
  zstd: ['zstd', 'zstd'],
} as const

export type ProgramName = keyof typeof PACKAGES

/** What every guest needs. */
export const VM_PROGRAMS: readonly ProgramName[] = [
  ...(['qemu-system-x86_64', 'busybox', 'cpio', 'find', 'depmod', 'modprobe'] as const),
  ...(['xz', 'zstd'] as const),
]

/** The path of a program; undefined: there is none. */
export function pathOf(name: string): string | undefined {
  return SEARCH_PATH.split(delimiter)
    .map((folder) => join(folder, name))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK)
        return true
      } catch {
        return false
      }
    })
}

/** Throws one error that names all programs that are missing, and how they are installed. */
export function requirePrograms(names: readonly ProgramName[], purpose: string): void {
  const missing = names.filter((name) => pathOf(name) === undefined)
  if (missing.length === 0) return
  const install = (system: 0 | 1): string =>
    [...new Set(missing.map((name) => PACKAGES[name][system]))].join(' ')
  throw vmError(
    `${purpose} needs ${missing.join(', ')}, which this machine lacks. ` +
      `Install: \`apt-get install ${install(0)}\` on Debian and Ubuntu, ` +
      `\`dnf install ${install(1)}\` on Fedora.`,
  )
}

export interface RunOptions {
  cwd?: string
  input?: Buffer | string
}

/** How a program failed. `output`: what it printed. */
export class ProgramError extends Error {
  constructor(
    readonly program: string,
    outcome: string,
    readonly output: string,
  ) {
    super(`\`${program}\` failed (${outcome}): ${output.trim().slice(-4000)}`)
  }
}

/** Runs programs until a signal aborts. Then the running one is killed. */
export class Programs {
  /** `tell` hears what takes long, such as "Downloading the kernel 6.12". */
  constructor(
    readonly signal: AbortSignal = new AbortController().signal,
    readonly tell: (what: string) => void = () => undefined,
  ) {}

  /** What the program prints on its standard output. Rejects with a ProgramError if it fails. */
  output(
    command: string,
    args: readonly string[],
    { cwd, input }: RunOptions = {},
  ): Promise<Buffer> {
    const { signal } = this
    return new Promise((resolve, reject) => {
      if (signal.aborted) {
        reject(signal.reason)
        return
      }
      const child = spawn(command, args, {
        cwd,
        env: { ...process.env, LC_ALL: 'C', PATH: SEARCH_PATH },
      })
      const stdout: Buffer[] = []
      const stderr: Buffer[] = []
      child.stdout.on('data', (piece: Buffer) => stdout.push(piece))
      child.stderr.on('data', (piece: Buffer) => stderr.push(piece))
      // A program that has ended does not read its input: what counts is how it ended.
      child.stdin.on('error', () => undefined)
      child.stdin.end(input)
      const abort = (): void => {
        child.kill('SIGKILL')
        reject(signal.reason)
      }
      signal.addEventListener('abort', abort)
      const fail = (outcome: string): void => {
        const printed = Buffer.concat([...stdout, ...stderr]).toString()
        reject(new ProgramError([command, ...args].join(' '), outcome, printed))
      }
      child.once('error', (error) => {
        signal.removeEventListener('abort', abort)
        fail(error.message)
      })
      child.once('close', (status, killedBy) => {
        signal.removeEventListener('abort', abort)
        if (status === 0) resolve(Buffer.concat(stdout))
        else fail(killedBy ?? `exit status ${String(status)}`)
      })
    })
  }

  async text(command: string, args: readonly string[], options?: RunOptions): Promise<string> {
    return (await this.output(command, args, options)).toString()
  }
}
