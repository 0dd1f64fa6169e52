/** The package in a JavaScript runtime, on the kernel of the guest. */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { runtimeCommand, type RuntimeName } from '../support/runtimes'
import { runScriptIn } from '../support/runtime-script'
import { afterThisTest, isInKernel, isState, letReturn, modprobe, ROOT, until } from './support'

/** The tour of examples/walk.mjs goes to its end, without a warning, and leaves nothing behind. */
export function walkIn(runtime: RuntimeName): void {
  const { program, args } = runtimeCommand(runtime)
  const { status, stdout, stderr } = spawnSync(
    program,
    [...args, join(ROOT, 'examples', 'walk.mjs')],
    { encoding: 'utf8', cwd: '/' },
  )
  expect({ status, stderr, stdout }).toMatchObject({ status: 0, stderr: '' })
  for (const code of ['HELD', 'IN_USE', 'BUILTIN', 'CRITICAL']) {
    expect(stdout).toContain(`ERR_KMOD_${code}`)
  }
  for (const name of ['dummy', 'bridge', 'tun', 'minix']) expect(isInKernel(name)).toBe(false)
}

/** A watch reports a load and a removal, and ends; neither the watch nor its helper keeps the process alive. */
export async function watchIn(runtime: RuntimeName): Promise<void> {
  const outcome = await runScriptIn(
    runtime,
    `const { kmod } = node_kmod
     ;(async () => {
       const watching = kmod.watch({ modules: 'dummy' })
       const changing = kmod.load('dummy').then(() => kmod.remove('dummy'))
       const seen = []
       for await (const { action } of watching) if (seen.push(action) === 2) break
       await changing
       console.log(seen.join())
     })()`,
  )
  expect(outcome).toEqual({ code: 0, signal: null, stdout: 'load,unload\n', stderr: '' })
}

/** A process ends by itself, and its pipes close, while an exit function hangs that it has called. */
export async function hangIn(runtime: RuntimeName): Promise<void> {
  modprobe('kmodtest_hang_exit')
  afterThisTest(async () => {
    letReturn('kmodtest_hang_exit')
    await until('the module is removed', () => !isInKernel('kmodtest_hang_exit'))
  })
  const outcome = await runScriptIn(
    runtime,
    `node_kmod.remove('kmodtest_hang_exit', { hungAfter: 300 }).catch(({ code }) => console.log(code))`,
  )
  expect(outcome).toEqual({ code: 0, signal: null, stdout: 'ERR_KMOD_HUNG\n', stderr: '' })
  expect(isState('kmodtest_hang_exit', 'Unloading')).toBe(true)
}
