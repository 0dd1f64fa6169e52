/**
 * Runs a command in a guest: `npm run vm -- [--kernel 6.12] [--append WORDS] COMMAND...`
 * Its output is shown as it comes; the exit status is the command's.
 */
import { parseArgs } from 'node:util'
import { KERNELS, prepareKernel, type KernelName } from './kernels'
import { runInGuest } from './machine'

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      kernel: { type: 'string', default: '6.12' },
      append: { type: 'string' },
      console: { type: 'boolean', default: false },
      deadline: { type: 'string', default: '600' },
    },
  })
  const name = values.kernel as KernelName
  if (!KERNELS.includes(name) || positionals.length === 0) {
    console.error(
      `Usage: npm run vm -- [--kernel ${KERNELS.join('|')}] [--append WORDS] [--deadline SECONDS] [--console] -- COMMAND...`,
    )
    return 2
  }
  const result = await runInGuest(prepareKernel(name), {
    command: positionals,
    cwd: process.cwd(),
    deadline: Number(values.deadline) * 1000,
    append: values.append,
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
