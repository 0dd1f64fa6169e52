/** The command line as it was built, in a process of its own. */
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process'
import { join } from 'node:path'
import { outcomeOf, ROOT, type Outcome } from './child'

const PROGRAM = join(ROOT, 'dist', 'cli', 'main.js')

/** What a shell runs instead of `node-kmod`. */
export const COMMAND = `${process.execPath} ${PROGRAM}`

/** Without colours and without a terminal, whatever the test runs in. */
export function startCommand(...args: string[]): ChildProcessWithoutNullStreams {
  const env = { ...process.env, FORCE_COLOR: undefined }
  const child = spawn(process.execPath, [PROGRAM, ...args], { cwd: ROOT, env })
  child.stdin.end()
  return child
}

export function nodeKmod(...args: string[]): Promise<Outcome> {
  return outcomeOf(startCommand(...args))
}

/** What `--json` prints: exactly one document. */
export async function json(
  ...args: string[]
): Promise<{ status: number | null; document: unknown }> {
  const { code, stdout } = await nodeKmod('--json', ...args)
  return { status: code, document: JSON.parse(stdout) as unknown }
}
