/** The binaries of the package on other systems: examples/walk.mjs on a real kernel, without a compiler. */
import { copyFileSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT } from '../../support/child'
import { ARM64, X64 } from '../../../lib/vm/architectures'
import { prepareArm64Kernel, prepareKernel } from '../../../lib/vm/kernels'
import { checkVmOptions } from '../../../lib/vm/options'
import { runInGuest } from '../../../lib/vm/run-in-vm'
import { prepareSystem } from '../../support/systems'
import { installedProgram, temporaryFolder } from '../tarball'

jest.setTimeout(600_000)

const folder = temporaryFolder('systems')
let user: string

beforeAll(() => {
  user = installedProgram(folder)
  copyFileSync(join(ROOT, 'examples/walk.mjs'), join(user, 'walk.mjs'))
})

test.each([
  // The oldest and the newest glibc: 2.31 and 2.41.
  { system: 'Debian 11', architecture: X64, libc: '2.31' },
  { system: 'Debian 13', architecture: X64, libc: '2.41' },
  { system: 'Debian 13', architecture: ARM64, libc: '2.41' },
] as const)('$system, $architecture.node', async ({ system, architecture, libc }) => {
  const versions =
    'console.log(process.arch, process.report.getReport().header.glibcVersionRuntime)'
  const options = checkVmOptions({
    kernel: '6.12',
    cwd: join('/host', user),
    command: ['sh', '-c', `node -e "${versions}" && node walk.mjs`],
    timeout: 300_000,
  })
  const { exitCode, stdout, stderr } = await runInGuest(
    options,
    (programs) =>
      architecture === X64 ? prepareKernel('6.12', programs) : prepareArm64Kernel(programs),
    await prepareSystem(system, architecture),
  )
  expect(stdout.split('\n')[0]).toBe(`${architecture.node} ${libc}`)
  // The last chapter; each chapter stops the tour with an error if a call does not do what it shows.
  expect(stdout).toContain('== A module that is compiled into the kernel: printk')
  expect({ exitCode, end: stderr.slice(-1000) }).toMatchObject({ exitCode: 0 })
})
