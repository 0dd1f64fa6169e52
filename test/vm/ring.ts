/**
 * Runs the tests that need a real kernel, in guests:
 * `npm run test:vm -- [--kernel NAME]... [--project NAME]... [JEST ARGUMENTS]`
 *
 * Without arguments, this runs what `npm test` runs: not all tests on the oldest kernel, and not the
 * uses and the soak, which take long.
 */
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { KERNELS, type GuestKernel, type KernelName } from '../../tools/vm/kernels'
import { runInGuest } from '../../tools/vm/machine'
import { prepareTestKernel } from './kernel'

const ROOT = join(__dirname, '..', '..')

/** Folders of test/vm, and projects of jest.config.js. */
const PROJECTS = ['every-kernel', 'one-kernel', 'destructive', 'uses', 'soak'] as const
type Project = (typeof PROJECTS)[number]

/** Where the project one-kernel runs, unless one kernel is asked for. */
const ONE_KERNEL: KernelName = '6.12'

/**
 * Unless this kernel or some tests are asked for, only these files run on it, for the time: what is
 * read, what a plan says, and unloads of modules that misbehave.
 */
const FEW_TESTS: Partial<Record<GuestKernel['name'], readonly string[]>> = {
  '5.10': ['inspect', 'plan', 'unload-misbehaving'].map(
    (file) => `test/vm/every-kernel/${file}.test.ts`,
  ),
}

/** Jest's shards of a project on a kernel. Smaller jobs leave no processor idle at the end. */
const PARTS = 2
/** Guests at the same time. An emulated guest keeps about one processor busy. */
const GUESTS = 2
const PROCESSORS = Math.max(1, Math.min(2, Math.floor(availableParallelism() / GUESTS)))

/**
 * Runs first in each guest, which has a copy of the host's files: what the host configures for modules
 * would change what the tests see.
 */
const REMOVE_HOST_CONFIGURATION = `
for folder in /etc /run /usr/local/lib /usr/lib /lib; do
  rm -rf "$folder/modprobe.d" "$folder/modules-load.d"
done
rm -f /etc/modules
`

/** What the tests with random rounds read from the environment. */
const VARIABLES = ['KMOD_ROUNDS', 'KMOD_SEED']
/** Milliseconds for one guest. Each random round (npm run test:soak) takes up to 15 s, in two tests. */
const DEADLINE = 900_000 + Number(process.env.KMOD_ROUNDS ?? 0) * 30_000

interface Wish {
  kernels: readonly KernelName[]
  projects: readonly Project[]
  jestArguments: readonly string[]
  /** Nothing was asked for: the tests of `npm test`. */
  isDefault: boolean
}

/** What one guest does. */
interface Job {
  kernel: GuestKernel
  what: string
  commands: string[]
}

function readArguments(): Wish {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      kernel: { type: 'string', multiple: true },
      project: { type: 'string', multiple: true },
    },
  })
  return {
    kernels: choose('kernel', values.kernel, KERNELS),
    projects:
      values.project === undefined
        ? PROJECTS.filter((project) => project !== 'uses' && project !== 'soak')
        : choose('project', values.project, PROJECTS),
    jestArguments: positionals,
    isDefault: [values.kernel, values.project, positionals[0]].every((one) => one === undefined),
  }
}

function choose<T extends string>(
  what: string,
  names: readonly string[] | undefined,
  all: readonly T[],
): readonly T[] {
  const unknown = names?.find((name) => !(all as readonly string[]).includes(name))
  if (unknown !== undefined) {
    throw new Error(`There is no ${what} "${unknown}". There are ${all.join(', ')}.`)
  }
  // In the order in which they run: the destructive tests come last.
  return all.filter((name) => names === undefined || names.includes(name))
}

function jobsOf(kernel: GuestKernel, wish: Wish): Job[] {
  const { kernels, projects } = wish
  const few = wish.isDefault ? FEW_TESTS[kernel.name] : undefined
  const jestArguments = few ?? wish.jestArguments
  const jest = (project: Project, ...more: string[]): string =>
    [
      ...[process.execPath, 'node_modules/jest/bin/jest.js', '--selectProjects', project],
      ...['--runInBand', '--ci', '--cacheDirectory', '/tmp/jest-cache', '--passWithNoTests'],
      ...[...more, ...jestArguments],
    ]
      .map(quote)
      .join(' ')
  const wanted = projects.filter(
    (project) => project !== 'one-kernel' || kernel.name === ONE_KERNEL || kernels.length === 1,
  )
  // Arguments choose a few tests, for which one guest is enough.
  if (few !== undefined) {
    return [{ kernel, what: 'a few tests of every-kernel', commands: [jest('every-kernel')] }]
  }
  if (jestArguments.length > 0) {
    return [{ kernel, what: wanted.join(', '), commands: wanted.map((project) => jest(project)) }]
  }
  const jobs = wanted
    .filter((project) => project !== 'destructive')
    .flatMap((project) =>
      Array.from({ length: PARTS }, (_, i) => ({
        kernel,
        what: `${project}, part ${i + 1} of ${PARTS}`,
        commands: [jest(project, `--shard=${i + 1}/${PARTS}`)],
      })),
    )
  if (!wanted.includes('destructive')) return jobs
  const last: Job = { kernel, what: 'destructive', commands: [jest('destructive')] }
  const [first, ...others] = jobs
  return first === undefined ? [last] : [inOneGuest(first, last), ...others]
}

/** It takes longer to boot a guest for the destructive tests alone than to run them. */
function inOneGuest(first: Job, last: Job): Job {
  return {
    kernel: first.kernel,
    what: `${first.what}, ${last.what}`,
    commands: [...first.commands, ...last.commands],
  }
}

/** Runs the commands one after the other in one guest. Returns whether all tests passed. */
async function runJob({ kernel, what, commands }: Job, isOnly: boolean): Promise<boolean> {
  const begin = Date.now()
  const runAll = `status=0\n${commands.map((one) => `${one} || status=1\n`).join('')}exit $status`
  const { status, output } = await runInGuest(kernel, {
    command: ['sh', '-c', REMOVE_HOST_CONFIGURATION + runAll],
    cwd: ROOT,
    env: { KMOD_KERNEL: kernel.name, CI: '1', ...variables() },
    // For the tests of the kernel command line; no other test may use these modules.
    append:
      'vfat.from_command_line=1 modprobe.blacklist=vfat module_blacklist=n_hdlc modules-load=ieee802154',
    processors: PROCESSORS,
    nic: true,
    seat: true,
    deadline: DEADLINE,
    ...(isOnly && { onOutput: (text: string) => process.stdout.write(text) }),
  })
  const seconds = Math.round((Date.now() - begin) / 1000)
  const outcome = `${status === 0 ? 'passed' : 'FAILED'} in ${seconds} s`
  console.log(`${isOnly ? '' : `\n${output}`}=== kernel ${kernel.release}, ${what}: ${outcome}`)
  return status === 0
}

function variables(): Record<string, string> {
  return Object.fromEntries(
    VARIABLES.flatMap((name) => {
      const value = process.env[name]
      return value === undefined ? [] : [[name, value]]
    }),
  )
}

function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`
}

async function main(): Promise<void> {
  const wish = readArguments()
  // Before the first guest starts: two jobs must not build the same modules.
  const pending = wish.kernels.map(prepareTestKernel).flatMap((kernel) => jobsOf(kernel, wish))
  const isOnly = pending.length === 1
  const failed = new Set<string>()
  const work = async (): Promise<void> => {
    for (let job = pending.shift(); job !== undefined; job = pending.shift()) {
      const hasPassed = await runJob(job, isOnly).catch((error: unknown) => {
        console.error(error instanceof Error ? error.message : error)
        return false
      })
      if (!hasPassed) failed.add(job.kernel.release)
    }
  }
  await Promise.all(Array.from({ length: GUESTS }, work))
  if (failed.size > 0) throw new Error(`Failed on kernel ${[...failed].join(', ')}.`)
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
})
