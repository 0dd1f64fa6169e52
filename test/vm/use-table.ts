/**
 * A table of uses: each row makes one use of a module, and says what explain() and impact() must tell of
 * it. The kernel's reference count decides whether the answer is complete, and whether the suggested
 * release has worked.
 */
import { spawn, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { once } from 'node:events'
import { kmod, type User } from 'node-kmod'
import { afterThisTest, attempt, countOf, isInKernel, modprobe, run, until } from './support'
import { effectsOn, knownReferences } from './users'

export interface Use {
  module: string
  /** What the name of the test says besides the module. */
  what: string
  /** The arguments of modprobe; default: the module. */
  load?: readonly string[]
  /** A shell script that makes the use. */
  begin?: string
  /** A process that makes the use, and holds it until it ends. */
  process?: Holder
  /**
   * A shell script that ends the use. It runs after the test, also if the test fails; and during the
   * test, if the user has no command that ends it.
   */
  end?: string
  /** What explain() says of the user. The `process` is added to a process, or to a socket without `processes`. */
  user: Expected
  /** What impact() says, like "critical filesystem:/mnt"; default: nothing. */
  effects?: readonly string[]
  /** Whether the user has a command that releases it; default: true. */
  command?: boolean
  /** How many references no user accounts for; default: 0. */
  unexplained?: number
  /** The kernels (KMOD_KERNEL) that have no such module, or have it compiled in; default: none. */
  notOn?: readonly string[]
  /** The module that those kernels lack; default: `module`. */
  needs?: string
}

type Expected = Partial<Record<string, unknown>> & { kind: User['kind'] }

/** The argv of a process that prints its number as soon as it holds what it should hold. */
export type Holder = readonly string[]

/** A process that runs a Python script, which may use the modules fcntl, os, socket, struct and time. */
export function python(script: string): Holder {
  const imports = 'import fcntl, os, socket, struct, time'
  const ready = 'print(os.getpid(), flush=True)\nwhile True: time.sleep(1000)'
  return ['python3', '-c', `${imports}\n${script}\n${ready}\n`]
}

/** A process that runs a Perl script: in an emulated guest, it starts in a fraction of Python's seconds. */
export function perl(script: string): Holder {
  return ['perl', '-e', `${script}; $| = 1; print "$$\\n"; sleep 1000`]
}

/** A process that runs a shell script and keeps its descriptors, as in `exec 5<>/dev/net/tun`. */
export function shell(script: string): Holder {
  return ['bash', '-c', `${script}\necho $$\nexec sleep infinity`]
}

/**
 * Starts a process that is no descendant of this one, because explain() does not suggest to end
 * those. It is killed after the test. Resolves with its number when it is ready.
 */
export async function startApart(argv: Holder): Promise<number> {
  const starter = spawn('setsid', ['--fork', ...argv], { stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = once(starter.stdout, 'end').then((): never => {
    throw new Error(`It ended before it was ready: ${argv.join(' ')}`)
  })
  const [output] = (await Promise.race([once(starter.stdout, 'data'), ended])) as [Buffer]
  ended.catch(() => undefined)
  const pid = Number(output.toString())
  afterThisTest(async () => {
    attempt('kill', ['-9', String(pid)])
    await until('the process has ended', () => !existsSync(`/proc/${pid}`))
  })
  return pid
}

/**
 * Makes one test of each row; with KMOD_USES=few, only of the first row of each kind of user. A row whose
 * module this kernel does not have becomes a test that it is missing: no row is skipped.
 */
export function testUses(uses: readonly Use[]): void {
  const isMissing = ({ notOn = [] }: Use): boolean => notOn.includes(process.env.KMOD_KERNEL ?? '')
  const possible = uses.filter((use) => !isMissing(use))
  const chosen = process.env.KMOD_USES === 'few' ? firstOfEachKind(possible) : possible
  for (const use of chosen) test(`${use.module}: ${use.what}`, () => checkUse(use))
  for (const { module, what, needs = module } of uses.filter(isMissing)) {
    test(`${module}: ${what}: this kernel does not have ${needs} as a module`, () => {
      const { status, output } = attempt('modinfo', ['-F', 'filename', needs])
      if (status === 0) expect(output).toBe('(builtin)\n')
    })
  }
}

function firstOfEachKind(uses: readonly Use[]): Use[] {
  return uses.filter(({ user }, i) => uses.findIndex((use) => use.user.kind === user.kind) === i)
}

async function checkUse(use: Use): Promise<void> {
  const { module, load = [module], begin, end } = use
  const mark = clock(`${module}: ${use.what}`)
  if (load.length > 0) modprobe(...load)
  const before = isInKernel(module) ? countOf(module) : 0
  if (end !== undefined) afterThisTest(() => spawnSync('sh', ['-c', end]))
  if (begin !== undefined) run('sh', ['-e', '-c', begin])
  const pid = use.process && (await startApart(use.process))
  mark('begin')

  const usage = await kmod.explain(module)
  mark('explain')
  const expected = pid === undefined ? use.user : { ...holding(use.user, pid), ...use.user }
  expect(usage.users).toContainEqual(expect.objectContaining(expected))
  const user = usage.users.find((one) => matches(one, expected))!
  expect(usage.refCount).toBe(countOf(module))
  expect({ unexplained: usage.unexplained, users: shown(usage.users) }).toEqual({
    unexplained: use.unexplained ?? 0,
    users: shown(usage.users),
  })
  // No reference is counted twice either.
  expect({ known: knownReferences(usage), users: shown(usage.users) }).toEqual({
    known: usage.refCount! - usage.unexplained!,
    users: shown(usage.users),
  })
  expect(await effectsOn(module)).toEqual([...(use.effects ?? [])].sort())
  mark('impact')

  const { command } = user.release
  expect({ text: user.release.text, hasCommand: command !== null }).toEqual({
    text: user.release.text,
    hasCommand: use.command ?? true,
  })
  if (command !== null) run(command[0]!, command.slice(1))
  else if (end !== undefined) run('sh', ['-c', end])
  else process.kill(pid!, 'SIGKILL')
  await until(`the count of ${module} falls to ${before}`, () => countNow(module) <= before)
  mark('end')
}

/** Shows on the standard error how long each part of a row takes, because some rows are slow to begin. */
function clock(row: string): (part: string) => void {
  let last = Date.now()
  process.stderr.write(`\n${row}`)
  return (part) => {
    const now = Date.now()
    process.stderr.write(`, ${part} ${((now - last) / 1000).toFixed(1)} s`)
    last = now
  }
}

/** The process is the user itself, or one of those that hold its sockets. */
function holding({ kind }: Expected, pid: number): object {
  if (kind === 'process') return { pid }
  return kind === 'socket' ? { processes: [{ pid, comm: expect.any(String) as string }] } : {}
}

/** 0 for a module that is no longer loaded. */
function countNow(module: string): number {
  return isInKernel(module) ? countOf(module) : 0
}

function matches(user: User, expected: object): boolean {
  try {
    expect(user).toEqual(expect.objectContaining(expected))
    return true
  } catch {
    return false
  }
}

/** For the message of a failed comparison. */
function shown(users: readonly User[]): string[] {
  return users.map((user) => JSON.stringify({ ...user, module: undefined, release: undefined }))
}
