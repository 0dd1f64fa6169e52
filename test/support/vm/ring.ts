/** The ring of tests that run on real kernels: `npm run test:vm -- [--kernel 6.12] [JEST ARGUMENTS]` */
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { KERNELS, prepareKernel, type GuestKernel, type KernelName } from './kernels'
import { runInGuest } from './machine'

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

/** Runs the projects one after the other in one guest. Whether all passed. */
async function runOn(
  kernel: GuestKernel,
  { kernels, projects, jestArguments }: Run,
): Promise<boolean> {
  const begin = Date.now()
  const jest = (project: string): string =>
    `${process.execPath} node_modules/jest/bin/jest.js --selectProjects ${project} --runInBand --ci ` +
    `--cacheDirectory /tmp/jest-cache --passWithNoTests ${jestArguments.join(' ')}`
  const script = `status=0\n${projects.map((one) => `${jest(one)} || status=1\n`).join('')}exit $status`
  const alone = kernels.length === 1
  const { status, output } = await runInGuest(kernel, {
    command: ['sh', '-c', script],
    cwd: ROOT,
    env: { KMOD_KERNEL: kernel.name, CI: '1', ...passedOn() },
    // Words for a test of the kernel command line.
    append: 'vfat.from_command_line=1 modprobe.blacklist=vfat',
    ...(alone && { onOutput: (text: string) => process.stdout.write(text) }),
  })
  const seconds = Math.round((Date.now() - begin) / 1000)
  console.log(
    `${alone ? '' : `\n${output}`}=== kernel ${kernel.release}: ${status === 0 ? 'passed' : 'FAILED'} in ${seconds} s`,
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
  const pending = run.kernels.map(prepareKernel)
  const failed: string[] = []
  const work = async (): Promise<void> => {
    for (let kernel = pending.shift(); kernel !== undefined; kernel = pending.shift()) {
      const passed = await runOn(kernel, run).catch((error: unknown) => {
        console.error(error instanceof Error ? error.message : error)
        return false
      })
      if (!passed) failed.push(kernel.release)
    }
  }
  // An emulated guest keeps about one processor busy; two finish sooner than one after the other.
  await Promise.all(Array.from({ length: 2 }, work))
  if (failed.length > 0) throw new Error(`Failed on ${failed.join(', ')}.`)
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
})
