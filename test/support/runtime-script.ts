/** Scripts in other JavaScript runtimes than the one that runs the tests. */
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runtimeCommand, type RuntimeName } from './runtimes'
import { outcomeOf, ROOT, type Outcome } from './child'

/**
 * The outcome of a CommonJS script, for which `node_kmod` is the package and `args` are the arguments. It
 * is a file, because the runtimes have no common way to run a text.
 */
export async function runScriptIn(
  runtime: RuntimeName,
  script: string,
  args: readonly string[] = [],
): Promise<Outcome> {
  const folder = mkdtempSync(join(tmpdir(), 'kmod-script-'))
  try {
    const file = join(folder, 'script.cjs')
    const before = `const node_kmod = require(${JSON.stringify(ROOT)}), args = process.argv.slice(2)`
    writeFileSync(file, `${before}\n${script}\n`)
    const { program, args: first } = runtimeCommand(runtime)
    // A script that hangs would stay after its test.
    const limits = { timeout: 60_000, killSignal: 'SIGKILL' } as const
    return await outcomeOf(spawn(program, [...first, file, ...args], { cwd: folder, ...limits }))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
