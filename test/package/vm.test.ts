/** How a virtual machine ends: by itself, by the clock, by the signal, with its process. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { KmodError } from 'node-kmod'
import { runInVm } from 'node-kmod/vm'
import { prepareKernel } from '../../lib/vm/kernels'
import { Programs } from '../../lib/vm/programs'
import { ROOT } from '../support/child'
import { rejection } from '../support/rejection'

// A cold cache downloads a kernel first; an emulated guest takes its time on a busy machine.
jest.setTimeout(900_000)

const FOREVER = { kernel: '6.12', command: ['sleep', '1000'] } as const

test('a kernel of this machine, with a module that is built for it', async () => {
  const { image, root, release } = await prepareKernel('6.12', new Programs())
  const printed: string[] = []
  const result = await runInVm({
    kernel: { image, modules: join(root, 'lib/modules', release) },
    command: [
      'sh',
      '-c',
      'uname -r; echo problem >&2; mkdir $RESULTS/a; cp /proc/modules $RESULTS/a; exit 3',
    ],
    env: { GREETING: 'hello' },
    onOutput: (text, stream) => printed.push(`${stream}: ${text}`),
  })
  expect(result).toMatchObject({ exitCode: 3, stdout: `${release}\n`, stderr: 'problem\n' })
  expect([...result.files.keys()]).toEqual(['a/modules'])
  expect(result.files.get('a/modules')!.toString()).toMatch(/^overlay /m)
  expect(printed.sort()).toEqual(['stderr: problem\n', `stdout: ${release}\n`])
})

test('a guest that does not end in time is an error with its console', async () => {
  const error = await rejection(runInVm({ ...FOREVER, timeout: 2_000 }))
  expect(error).toBeInstanceOf(KmodError)
  expect(error).toMatchObject({ code: 'ERR_KMOD_VM', console: expect.any(String) as string })
  expect(error.message).toContain('did not end within 2 s')
})

test('a signal ends it, before and while it runs', async () => {
  const reason = new Error('no more')
  const early = rejection(runInVm({ ...FOREVER, signal: AbortSignal.abort(reason) }))
  expect(await early).toMatchObject({ code: 'ERR_KMOD_ABORTED', cause: reason })
  const controller = new AbortController()
  const late = rejection(runInVm({ ...FOREVER, signal: controller.signal }))
  await untilQemuRuns(process.pid)
  controller.abort(reason)
  expect(await late).toMatchObject({ code: 'ERR_KMOD_ABORTED', cause: reason })
  expect(qemuBelow(process.pid)).toEqual([])
})

test('what a callback throws ends it', async () => {
  const cause = new Error('of the callback')
  const onOutput = (): never => {
    throw cause
  }
  const command = ['sh', '-c', 'echo begun; exec sleep 1000']
  expect(await rejection(runInVm({ ...FOREVER, command, onOutput }))).toMatchObject({
    code: 'ERR_KMOD_VM',
    cause,
  })
})

test('process.exit() ends it', async () => {
  const script = `void require('node-kmod/vm').runInVm(${JSON.stringify(FOREVER)})
    process.stdin.once('data', () => process.exit())`
  const child = spawn(process.execPath, ['-e', script], {
    cwd: ROOT,
    stdio: ['pipe', 'inherit', 'inherit'],
  })
  const [qemu] = await untilQemuRuns(child.pid!)
  child.stdin.write('exit\n')
  await once(child, 'exit')
  // The signal was sent before the process ended.
  await until(() => !isRunning(qemu!))
})

/** The pids of the QEMU processes that a process has started. */
function qemuBelow(pid: number): number[] {
  const { stdout } = spawnSync('ps', ['--ppid', String(pid), '-o', 'pid=,comm='], {
    encoding: 'utf8',
  })
  return [...stdout.matchAll(/(\d+) qemu/g)].map(([, found]) => Number(found))
}

async function untilQemuRuns(pid: number): Promise<number[]> {
  await until(() => qemuBelow(pid).length > 0)
  return qemuBelow(pid)
}

/** Looks for two minutes at most. */
async function until(isTrue: () => boolean): Promise<void> {
  for (let i = 0; !isTrue(); i++) {
    if (i > 1_200) throw new Error('It did not happen.')
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}

/** Also false for a zombie. */
function isRunning(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) [ZX]/s.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return false
  }
}
