/** The ring of tests that run on real kernels: `npm run test:vm -- [--kernel 6.12] [JEST ARGUMENTS]` */
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { KERNELS, prepareKernel, type GuestKernel, type KernelName } from './kernels'
import { runInGuest } from './machine'

/** Milliseconds for one guest; many random rounds take a while. */
const DEADLINE = process.env.KMOD_ROUNDS === undefined ? 900_000 : 3_600_000

const ROOT = join(__dirname, '..', '..', '..')

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
    projects: values.project ?? ['vm', 'vm-last'],
    jestArguments: positionals,
  }
}

/** What one guest does: a part of the ring's files, on one kernel. */
interface Job {
  kernel: GuestKernel
  part: number
  parts: number
}

/** Runs the projects one after the other in one guest. Whether all passed. */
async function runJob({ kernel, part, parts }: Job, run: Run): Promise<boolean> {
  const begin = Date.now()
  const jest = (project: string, ...more: string[]): string =>
    [
      ...[process.execPath, 'node_modules/jest/bin/jest.js', '--selectProjects', project],
      ...['--runInBand', '--ci', '--cacheDirectory', '/tmp/jest-cache', '--passWithNoTests'],
      ...more,
      ...run.jestArguments,
    ].join(' ')
  // What is one file cannot be shared out: that of vm-last comes where there is the least to do.
  const commands = run.projects.flatMap((project) =>
    project === 'vm'
      ? [jest(project, `--shard=${part}/${parts}`)]
      : part === parts
        ? [jest(project)]
        : [],
  )
  const script = `status=0\n${commands.map((one) => `${one} || status=1\n`).join('')}exit $status`
  const alone = run.kernels.length === 1 && parts === 1
  const { status, output } = await runInGuest(kernel, {
    command: ['sh', '-c', script],
    cwd: ROOT,
    env: { KMOD_KERNEL: kernel.name, CI: '1', ...passedOn() },
    // Words for a test of the kernel command line.
    append: 'vfat.from_command_line=1 modprobe.blacklist=vfat',
    deadline: DEADLINE,
    ...(alone && { onOutput: (text: string) => process.stdout.write(text) }),
  })
  const seconds = Math.round((Date.now() - begin) / 1000)
  const name = `kernel ${kernel.release}${parts === 1 ? '' : `, part ${part} of ${parts}`}`
  console.log(
    `${alone ? '' : `\n${output}`}=== ${name}: ${status === 0 ? 'passed' : 'FAILED'} in ${seconds} s`,
  )
  return status === 0
}

/** What test/vm/rounds.test.ts takes from the environment. */
function passedOn(): Record<string, string> {
  const names = ['KMOD_ROUNDS', 'KMOD_SEED']
  return Object.fromEntries(
    names.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])),
  )
}

async function main(): Promise<void> {
  const run = readArguments()
  // Downloads and builds first: two guests at once must not both do it.
  const kernels = run.kernels.map(prepareKernel)
  // An emulated guest keeps about one processor busy; two finish sooner than one after the other, and
  // smaller parts end at about the same time.
  const parts = run.jestArguments.length > 0 ? 1 : 2
  const pending = kernels.flatMap((kernel) =>
    Array.from({ length: parts }, (_, i): Job => ({ kernel, part: i + 1, parts })),
  )
  const failed: string[] = []
  const work = async (): Promise<void> => {
    for (let job = pending.shift(); job !== undefined; job = pending.shift()) {
      const passed = await runJob(job, run).catch((error: unknown) => {
        console.error(error instanceof Error ? error.message : error)
        return false
      })
      if (!passed) failed.push(job.kernel.release)
    }
  }
  await Promise.all(Array.from({ length: 2 }, work))
  if (failed.length > 0) throw new Error(`Failed on ${failed.join(', ')}.`)
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
})
