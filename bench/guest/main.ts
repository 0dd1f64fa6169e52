/** Runs in the guest: `main.ts PROGRAMS [PATTERN]` leaves the rows in the results of the guest. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { kmod } from '../../lib'
import { choose, runCases } from '../run-cases'
import { guestCases } from '.'

const [programs = '', pattern = ''] = process.argv.slice(2)

async function main(): Promise<void> {
  const part = await runCases(choose(guestCases, pattern), programs, '/proc/modules')
  const [, model = ''] = /^model name\s*: (.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8')) ?? []
  const title = `On Linux 6.12 in a virtual machine${model.includes('TCG') ? ', emulated' : ''}`
  writeFileSync(join(process.env.RESULTS!, 'part.json'), JSON.stringify({ ...part, title }))
  await kmod.close()
}

main().catch((error: unknown) => {
  console.error(error)
  process.exitCode = 1
})
