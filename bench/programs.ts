/** The baselines in C: compiled by the command, and kept running so that they are as warm as our code. */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readdirSync } from 'node:fs'
import { basename, join } from 'node:path'
import { createInterface, type Interface } from 'node:readline'
import type { Sample } from './measure'

/** Compiles the programs. Returns their folder. */
export function buildPrograms(root: string): string {
  const programs = join(root, 'build-bench')
  mkdirSync(programs, { recursive: true })
  const sources = join(__dirname, 'baseline')
  for (const file of readdirSync(sources).filter((name) => name.endsWith('.c'))) {
    execFileSync('cc', ['-O2', '-o', join(programs, basename(file, '.c')), join(sources, file)])
  }
  return programs
}

/** A program that does something for each line of its input, and prints a line then. */
export class Program {
  readonly #child: ChildProcess
  readonly #lines: Interface

  constructor(path: string, ...args: string[]) {
    // A group of its own: some of the programs end their children by a signal to the whole group.
    this.#child = spawn(path, args, { stdio: ['pipe', 'pipe', 'inherit'], detached: true })
    this.#lines = createInterface(this.#child.stdout!)
  }

  get pid(): number {
    return this.#child.pid!
  }

  async ask(line = ''): Promise<string> {
    const answer = this.nextLine()
    this.#child.stdin!.write(`${line}\n`)
    return answer
  }

  /** Rejects if the program ends before. */
  async nextLine(): Promise<string> {
    const over = new AbortController()
    const line = once(this.#lines, 'line', { signal: over.signal }) as Promise<[string]>
    const end = once(this.#lines, 'close', { signal: over.signal }).then(() => {
      throw new Error(`${this.#child.spawnfile} ended.`)
    })
    try {
      return (await Promise.race([line, end]))[0]
    } finally {
      over.abort()
      await Promise.allSettled([line, end])
    }
  }

  /** The milliseconds that the program has measured and printed: wall and processor. */
  async sample(line = ''): Promise<Sample> {
    const [wall, cpu] = (await this.ask(line)).split(' ').map(Number)
    return { wall: wall!, cpu: cpu! }
  }

  async close(): Promise<void> {
    const end = once(this.#child, 'close')
    this.#child.stdin!.end()
    await end
  }
}

/** Starts a program for the time of a call. */
export async function withProgram<T>(
  path: string,
  args: string[],
  call: (program: Program) => Promise<T>,
): Promise<T> {
  const program = new Program(path, ...args)
  try {
    return await call(program)
  } finally {
    await program.close()
  }
}
