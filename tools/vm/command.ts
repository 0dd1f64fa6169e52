/** Running a host command to its end. */
import { spawnSync } from 'node:child_process'

export interface CommandOptions {
  cwd?: string
  /** What to say when the command is not there: how to get it. */
  from?: string
  input?: Buffer | string
}

/** The command's output. Throws with all that it said when it fails. */
export function output(
  command: string,
  args: readonly string[],
  options: CommandOptions = {},
): Buffer {
  const { cwd, input, from } = options
  const result = spawnSync(command, args, {
    cwd,
    input,
    maxBuffer: 512 * 1024 * 1024,
    env: { ...process.env, LC_ALL: 'C' },
  })
  if (result.error !== undefined) {
    const missing = 'code' in result.error && result.error.code === 'ENOENT'
    throw new Error(
      missing && from !== undefined
        ? `${command} is missing: install the package ${from} (npm run setup does)`
        : `${command}: ${result.error.message}`,
    )
  }
  if (result.status !== 0) {
    throw new Error(
      `${[command, ...args].join(' ')} ended with ${result.status ?? result.signal}\n${result.stdout.toString()}${result.stderr.toString()}`,
    )
  }
  return result.stdout
}

export function text(command: string, args: readonly string[], options?: CommandOptions): string {
  return output(command, args, options).toString()
}
