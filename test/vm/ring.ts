/** The ring of tests that run on real kernels: `npm run test:vm -- [--kernel 6.12] [JEST ARGUMENTS]` */
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { KERNELS, prepareKernel, type GuestKernel, type KernelName } from '../../tools/vm/kernels'
import { runInGuest } from '../../tools/vm/machine'

/** Milliseconds for one guest; many random rounds take a while. */
const DEADLINE = process.env.KMOD_ROUNDS === undefined ? 900_000 : 3_600_000

const ROOT = join(__dirname, '..', '..')

interface Run {
  kernels: readonly KernelName[]
  projects: readonly string[]
  jestArguments: readonly string[]
}

function readArguments(): Run {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      kernel: { type: 'string', multiple: true },
      project: { type: 'string', multiple: true },
    },
  })
  return {
    kernels: (values.kernel ?? KERNELS) as KernelName[],
    projects: values.project ?? ['every-kernel', 'one-kernel', 'destructive'],
    jestArguments: positionals,
  }
}

/** What one guest does. */
interface Job {
  kernel: GuestKernel
  what: string
  commands: string[]
}

/** Where what is enough on one kernel runs. */
const ONCE: KernelName = '6.12'
/** What cannot be undone in a running kernel comes last in its guest. */
const LAST = 'destructive'
/** Smaller parts end at about the same time. */
const PARTS = 2

function jobsOf(kernel: GuestKernel, { kernels, projects, jestArguments }: Run): Job[] {
  const jest = (project: string, ...more: string[]): string =>
    [
      ...[process.execPath, 'node_modules/jest/bin/jest.js', '--selectProjects', project],
      ...['--runInBand', '--ci', '--cacheDirectory', '/tmp/jest-cache', '--passWithNoTests'],
      ...more,
      ...jestArguments,
    ].join(' ')
  const wanted = projects.filter(
    (project) => project !== 'one-kernel' || kernel.name === ONCE || kernels.length === 1,
  )
  // A few files, asked for by name, take one guest.
  if (jestArguments.length > 0) {
    return [{ kernel, what: wanted.join(', '), commands: wanted.map((project) => jest(project)) }]
  }
  return wanted
    .filter((project) => project !== LAST || wanted.length === 1)
    .flatMap((project) =>
      Array.from({ length: PARTS }, (_, i) => {
        const commands = [jest(project, `--shard=${i + 1}/${PARTS}`)]
        const isFirst = i === 0 && project === wanted[0]
        // A guest of its own would take as long to start as that takes.
        if (isFirst && project !== LAST && wanted.includes(LAST)) commands.push(jest(LAST))
        return { kernel, what: `${project}, part ${i + 1} of ${PARTS}`, commands }
      }),
    )
}

/** Runs the commands one after the other in one guest. Whether all passed. */
async function runJob({ kernel, what, commands }: Job, alone: boolean): Promise<boolean> {
  const begin = Date.now()
  const script = `status=0\n${commands.map((one) => `${one} || status=1\n`).join('')}exit $status`
  const { status, output } = await runInGuest(kernel, {
    command: ['sh', '-c', script],
    cwd: ROOT,
    env: { KMOD_KERNEL: kernel.name, CI: '1', ...passedOn() },
    // Words for the tests of the kernel command line; no other test may use these modules.
    append:
      'vfat.from_command_line=1 modprobe.blacklist=vfat module_blacklist=n_hdlc modules-load=ieee802154',
    deadline: DEADLINE,
    ...(alone && { onOutput: (text: string) => process.stdout.write(text) }),
  })
  const seconds = Math.round((Date.now() - begin) / 1000)
  const outcome = `${status === 0 ? 'passed' : 'FAILED'} in ${seconds} s`
  console.log(`${alone ? '' : `\n${output}`}=== kernel ${kernel.release}, ${what}: ${outcome}`)
  return status === 0
}

/** What test/vm/every-kernel/rounds.test.ts takes from the environment. */
function passedOn(): Record<string, string> {
  const names = ['KMOD_ROUNDS', 'KMOD_SEED']
  return Object.fromEntries(
    names.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])),
  )
}

async function main(): Promise<void> {
  const run = readArguments()
  // Downloads and builds first: two guests at once must not both do it.
  const pending = run.kernels.map(prepareKernel).flatMap((kernel) => jobsOf(kernel, run))
  const alone = pending.length === 1
  const failed = new Set<string>()
  const work = async (): Promise<void> => {
    for (let job = pending.shift(); job !== undefined; job = pending.shift()) {
      const passed = await runJob(job, alone).catch((error: unknown) => {
        console.error(error instanceof Error ? error.message : error)
        return false
      })
      if (!passed) failed.add(job.kernel.release)
    }
  }
  // An emulated guest keeps about one processor busy; two finish sooner than one after the other.
  await Promise.all(Array.from({ length: 2 }, work))
  if (failed.size > 0) throw new Error(`Failed on ${[...failed].join(', ')}.`)
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
})
