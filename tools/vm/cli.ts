/**
 * Runs a command in a guest and prints its output: `npm run vm -- [OPTIONS] -- COMMAND...`
 * The exit status is the command's.
 */
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { withExtraModules } from './extra-modules'
import { KERNELS, prepareKernel, type KernelName } from './kernels'
import { runInGuest } from './machine'

const USAGE = `Usage: npm run vm -- [OPTIONS] -- COMMAND...
  --kernel NAME       ${KERNELS.join(', ')}; default 6.12
  --modules FOLDER    build the modules of this folder (a Kbuild file and C sources) for the kernel
  --append WORDS      add them to the kernel command line
  --deadline SECONDS  for everything, boot included; default 600
  --systemd           process 1 is systemd, and the command its only service
  --console           print at the end what the kernel printed`

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      kernel: { type: 'string', default: '6.12' },
      modules: { type: 'string' },
      append: { type: 'string' },
      deadline: { type: 'string', default: '600' },
      console: { type: 'boolean', default: false },
      systemd: { type: 'boolean', default: false },
    },
  })
  const name = values.kernel as KernelName
  if (!KERNELS.includes(name) || positionals.length === 0) {
    console.error(USAGE)
    return 2
  }
  const plain = prepareKernel(name)
  const kernel =
    values.modules === undefined ? plain : withExtraModules(plain, resolve(values.modules))
  const result = await runInGuest(kernel, {
    command: positionals,
    cwd: process.cwd(),
    deadline: Number(values.deadline) * 1000,
    append: values.append,
    systemd: values.systemd,
    onOutput: (text) => process.stdout.write(text),
  })
  if (values.console) process.stdout.write(`--- the guest's console ---\n${result.console}`)
  return result.status
}

main().then(
  (status) => (process.exitCode = status),
  (error: unknown) => {
    console.error(error instanceof Error ? error.message : error)
    process.exitCode = 1
  },
)
