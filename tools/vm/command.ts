/** Runs a command on the host and waits until it ends. */
import { spawnSync } from 'node:child_process'

export interface CommandOptions {
  cwd?: string
  /** The Debian package that has the command, for the error message when it is missing. */
  from?: string
  input?: Buffer | string
}

/** PATH with the folders of system commands (modprobe, mkfs ...), which users other than root lack. */
export const SEARCH_PATH = `${process.env.PATH ?? ''}:/usr/sbin:/sbin`

export class CommandError extends Error {
  constructor(
    readonly command: string,
    readonly outcome: string,
    /** What the command printed on both its outputs. */
    readonly output: string,
  ) {
    super(`${command} failed: ${outcome}\n${output}`)
  }
}

/** Returns what the command printed on its standard output. Throws if it cannot be started, or fails. */
export function output(
  command: string,
  args: readonly string[],
  { cwd, input, from }: CommandOptions = {},
): Buffer {
  const result = spawnSync(command, args, {
    cwd,
    input,
    maxBuffer: 512 * 1024 * 1024,
    env: { ...process.env, LC_ALL: 'C', PATH: SEARCH_PATH },
  })
  if (result.error !== undefined) {
    const isMissing = 'code' in result.error && result.error.code === 'ENOENT'
    throw new Error(
      isMissing && from !== undefined
        ? `The command ${command} is missing. Install it: apt-get install ${from}`
        : `${command} cannot be started: ${result.error.message}`,
    )
  }
  if (result.status !== 0) {
    throw new CommandError(
      [command, ...args].join(' '),
      result.signal ?? `exit status ${result.status}`,
      result.stdout.toString() + result.stderr.toString(),
    )
  }
  return result.stdout
}

export function text(command: string, args: readonly string[], options?: CommandOptions): string {
  return output(command, args, options).toString()
}
