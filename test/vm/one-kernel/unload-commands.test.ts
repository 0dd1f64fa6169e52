/** unload() where modprobe.d has a `remove` command for the module. */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Kmod } from 'node-kmod'
import { isRunning } from '../processes'
import { isInKernel, modprobe, rejection, temporaryFolder, until } from '../support'

let folder: string
let configured: Kmod
const command = (text: string): void =>
  writeFileSync(join(folder, 'a.conf'), `remove dummy ${text}\n`)
beforeEach(() => {
  folder = temporaryFolder()
  configured = new Kmod({ configPaths: [folder] })
  modprobe('dummy')
})

test('a command blocks, unless commands may run', async () => {
  command(`echo "$MODPROBE_MODULE" > ${folder}/removed; rmmod $MODPROBE_MODULE`)
  expect(await rejection(configured.unload('dummy'))).toMatchObject({
    code: 'ERR_KMOD_REMOVE_COMMAND',
    module: 'dummy',
  })
  expect(await configured.unload('dummy', { commands: 'run' })).toMatchObject({
    removed: ['dummy'],
    steps: [{ step: { action: 'run' } }],
  })
  expect(readFileSync(join(folder, 'removed'), 'utf8')).toBe('dummy\n')
  expect(isInKernel('dummy')).toBe(false)
})

test('a command that fails, or leaves the module loaded, rejects with its exit status', async () => {
  command('echo it went wrong >&2; exit 3')
  const failed = await rejection(configured.unload('dummy', { commands: 'run' }))
  expect(failed).toMatchObject({ code: 'ERR_KMOD_REMOVE_COMMAND', exitCode: 3 })
  expect(failed.message).toContain('it went wrong')
  command('true')
  expect(await rejection(configured.unload('dummy', { commands: 'run' }))).toMatchObject({
    code: 'ERR_KMOD_REMOVE_COMMAND',
    exitCode: 0,
  })
  expect(isInKernel('dummy')).toBe(true)
  expect(await configured.unload('dummy', { commands: 'skip' })).toMatchObject({
    removed: ['dummy'],
  })
})

test('a command that hangs is killed, with the processes that it started', async () => {
  const file = join(folder, 'pid')
  command(`sleep 4242 & echo $! > ${file}; wait`)
  const pid = (): number => Number(readFileSync(file, 'utf8'))
  expect(
    await rejection(configured.unload('dummy', { commands: 'run', hungAfter: 1_000 })),
  ).toMatchObject({ code: 'ERR_KMOD_REMOVE_COMMAND', signal: 'SIGKILL' })
  await until('the sleep has ended', () => !isRunning(pid()))
  rmSync(file)
  const controller = new AbortController()
  const aborted = rejection(
    configured.unload('dummy', { commands: 'run', signal: controller.signal }),
  )
  await until('the command runs', () => existsSync(file) && pid() !== 0)
  controller.abort()
  expect(await aborted).toMatchObject({ code: 'ERR_KMOD_ABORTED' })
  await until('the sleep has ended', () => !isRunning(pid()))
  expect(isInKernel('dummy')).toBe(true)
})
