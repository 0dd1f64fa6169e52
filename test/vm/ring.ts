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
import { KERNELS, runInVm, type KernelName } from '../../lib/vm'
import { cacheFolder } from '../../lib/vm/cache'
import { prepareGuestKernel } from '../../lib/vm/extra-modules'
import { Programs } from '../../lib/vm/programs'
import {
  NEWEST_RUNTIMES,
  prepareRuntime,
  RUNTIME_NAMES,
  type RuntimeName,
} from '../support/runtimes'
import { testKernel } from './kernel'

const ROOT = join(__dirname, '..', '..')

/** Folders of test/vm, and projects of jest.config.js. */
const PROJECTS = ['every-kernel', 'one-kernel', 'systemd', 'destructive', 'uses', 'soak'] as const
type Project = (typeof PROJECTS)[number]

/** Projects that run on one kernel only, unless another one is asked for. */
const ON_ONE_KERNEL: readonly Project[] = ['one-kernel', 'systemd']
const ONE_KERNEL: KernelName = '6.12'

/**
 * Unless this kernel, some tests, or all tests (KMOD_LONG) are asked for, only these files run on it, for
 * the time.
 */
const file = (name: string): string => `test/vm/every-kernel/${name}.test.ts`
const FEW_TESTS: Partial<Record<KernelName, readonly string[]>> = {
  '5.10': ['inspect', 'plan', 'unload-misbehaving'].map(file),
  '6.1': ['plan', 'unload'].map(file),
  newest: ['explain', 'unload'].map(file),
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

/** The JavaScript runtimes that tests of a project run. */
const RUNTIMES: Partial<Record<Project, readonly RuntimeName[]>> = {
  'one-kernel': NEWEST_RUNTIMES,
  soak: RUNTIME_NAMES,
}

/** What the tests with random rounds, and the table of uses, read from the environment. */
const VARIABLES = ['KMOD_ROUNDS', 'KMOD_SEED', 'KMOD_USES']
/** Also the tests in the folders `long`: all were asked for, or some by name. */
const isLong = (wish: Wish): boolean => process.env.KMOD_LONG === '1' || !wish.isDefault
/** Milliseconds for one guest. Each random round (npm run test:soak) has up to a minute, in two tests. */
const DEADLINE = 1_800_000 + Number(process.env.KMOD_ROUNDS ?? 0) * 120_000

interface Wish {
  kernels: readonly KernelName[]
  projects: readonly Project[]
  jestArguments: readonly string[]
  /** Nothing was asked for: the tests of `npm test`. */
  isDefault: boolean
}

/** What one guest does. */
interface Job {
  kernel: KernelName
  what: string
  commands: string[]
  /** Process 1 of the guest is systemd. */
  systemd?: boolean
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

function jobsOf(kernel: KernelName, wish: Wish): Job[] {
  const { kernels, projects } = wish
  const few = isLong(wish) ? undefined : FEW_TESTS[kernel]
  const jestArguments = few ?? wish.jestArguments
  const jest = (project: Project, ...more: string[]): string =>
    [
      ...[process.execPath, 'node_modules/jest/bin/jest.js', '--selectProjects', project],
      ...['--runInBand', '--ci', '--cacheDirectory', '/tmp/jest-cache', '--passWithNoTests'],
      ...[...more, ...jestArguments],
    ]
      .map(quote)
      .join(' ')
  // Arguments choose a few tests, for which one guest is enough.
  if (few !== undefined) {
    return [{ kernel, what: 'a few tests of every-kernel', commands: [jest('every-kernel')] }]
  }
  const wanted = projects.filter(
    (project) => !ON_ONE_KERNEL.includes(project) || kernel === ONE_KERNEL || kernels.length === 1,
  )
  const plain = wanted.filter((project) => project !== 'systemd')
  const withSystemd: Job[] = wanted.includes('systemd')
    ? [{ kernel, what: 'systemd', commands: [jest('systemd')], systemd: true }]
    : []
  if (plain.length === 0) return withSystemd
  if (jestArguments.length > 0) {
    const commands = plain.map((project) => jest(project))
    return [{ kernel, what: plain.join(', '), commands }, ...withSystemd]
  }
  const jobs = plain
    .filter((project) => project !== 'destructive')
    .flatMap((project) =>
      Array.from({ length: PARTS }, (_, i) => ({
        kernel,
        what: `${project}, part ${i + 1} of ${PARTS}`,
        commands: [jest(project, `--shard=${i + 1}/${PARTS}`)],
      })),
    )
  if (!plain.includes('destructive')) return [...jobs, ...withSystemd]
  const last: Job = { kernel, what: 'destructive', commands: [jest('destructive')] }
  const [first, ...others] = jobs
  const all = first === undefined ? [last] : [inOneGuest(first, last), ...others]
  return [...all, ...withSystemd]
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
async function runJob(
  { kernel, what, commands, systemd }: Job,
  isOnly: boolean,
  long: boolean,
): Promise<boolean> {
  const begin = Date.now()
  const runAll = `status=0\n${commands.map((one) => `${one} || status=1\n`).join('')}exit $status`
  let output = ''
  const { exitCode } = await runInVm({
    ...testKernel(kernel),
    command: ['sh', '-c', REMOVE_HOST_CONFIGURATION + runAll],
    cwd: ROOT,
    // The cache of the host has the runtimes; the home of another user than root is not that of a guest.
    env: {
      KMOD_KERNEL: kernel,
      CI: '1',
      NODE_KMOD_CACHE: cacheFolder(),
      ...(long && { KMOD_LONG: '1' }),
      ...variables(),
    },
    // For the tests of the kernel command line; no other test may use these modules.
    append:
      'vfat.from_command_line=1 modprobe.blacklist=vfat module_blacklist=n_hdlc modules-load=ieee802154',
    processors: PROCESSORS,
    nic: true,
    seat: true,
    systemd,
    timeout: DEADLINE,
    onOutput: (text) => (isOnly ? process.stdout.write(text) : (output += text)),
  })
  const seconds = Math.round((Date.now() - begin) / 1000)
  const outcome = `${exitCode === 0 ? 'passed' : 'FAILED'} in ${seconds} s`
  console.log(`${isOnly ? '' : `\n${output}`}=== kernel ${kernel}, ${what}: ${outcome}`)
  return exitCode === 0
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
  // A guest has no network.
  for (const project of isLong(wish) ? wish.projects : [])
    for (const runtime of RUNTIMES[project] ?? []) await prepareRuntime(runtime)
  // Before the first guest starts: two jobs must not build the same modules.
  for (const kernel of wish.kernels) await prepareGuestKernel(testKernel(kernel), new Programs())
  const pending = wish.kernels.flatMap((kernel) => jobsOf(kernel, wish))
  const isOnly = pending.length === 1
  const failed = new Set<string>()
  const work = async (): Promise<void> => {
    for (let job = pending.shift(); job !== undefined; job = pending.shift()) {
      const hasPassed = await runJob(job, isOnly, isLong(wish)).catch((error: unknown) => {
        console.error(error instanceof Error ? error.message : error)
        return false
      })
      if (!hasPassed) failed.add(job.kernel)
    }
  }
  await Promise.all(Array.from({ length: GUESTS }, work))
  if (failed.size > 0) throw new Error(`Failed on kernel ${[...failed].join(', ')}.`)
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
})
