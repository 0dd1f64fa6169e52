/** Shell commands of modprobe.d (`remove`, `install`), which the helper runs. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { runScript } from '../support/child'
import { HelperClient } from '../../lib/live/helper/client'
import { commandRequest, HelperCommand } from '../../lib/live/helper/commands'

const client = new HelperClient('changes')

const begin = (command: string): HelperCommand =>
  new HelperCommand(client, commandRequest('the_module', command), 'run a command')
const run = (command: string): HelperCommand['ended'] => begin(command).ended

let folder: string
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'kmod-command-'))))
afterEach(() => rmSync(folder, { recursive: true, force: true }))

test('a command has the module in its environment; the result has its exit status and all output', async () => {
  expect(await run('echo "$MODPROBE_MODULE"; echo oops >&2; exit 3')).toEqual({
    exitCode: 3,
    signal: null,
    output: 'the_module\noops\n',
  })
  expect(await run('true')).toEqual({ exitCode: 0, signal: null, output: '' })
})

test('a command gets a fixed environment, not that of this process', async () => {
  const names = ['MODPROBE_OPTIONS', 'LD_PRELOAD', 'BASH_ENV', 'KMOD_TEST']
  const script = `
    const { HelperClient } = require('./dist/live/helper/client')
    const { commandRequest, HelperCommand } = require('./dist/live/helper/commands')
    for (const name of ${JSON.stringify(names)}) process.env[name] = '/nowhere'
    const request = commandRequest('the_module', 'exec env')
    const command = new HelperCommand(new HelperClient('changes'), request, 'run a command')
    command.ended.then(({ output }) => console.log(output))`
  const { code, stdout, stderr } = await runScript(script)
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  const set = stdout
    .trim()
    .split('\n')
    .filter((line) => !/^(PWD|ASAN_OPTIONS|UBSAN_OPTIONS)=/.test(line))
  expect(set.sort()).toEqual([
    'LANG=C.UTF-8',
    'MODPROBE_MODULE=the_module',
    'PATH=/usr/sbin:/usr/bin:/sbin:/bin',
  ])
})

test('a process in the background cannot fill the memory with output', async () => {
  // It writes a moment after the shell has ended.
  const { output, exitCode } = await run('(sleep 0.1; exec yes) & echo $!; exit 0')
  expect(exitCode).toBe(0)
  const pid = Number(/^\d+$/m.exec(output)?.[0])
  expect(pid).toBeGreaterThan(1)
  // Its next write fails, and nothing kills it.
  while (isRunning(pid)) await delay(10)
})

test('a command that prints without end cannot fill the memory either', async () => {
  const { output, exitCode } = await run('yes')
  expect(output.startsWith('y\ny\n')).toBe(true)
  expect(exitCode).toBe(1)
})

test('a command that was ended by a signal has no exit status', async () => {
  expect(await run('echo before; kill -TERM $$')).toEqual({
    exitCode: null,
    signal: 'SIGTERM',
    output: 'before\n',
  })
})

test('standard input is empty, and processes left in the background are not waited for', async () => {
  expect(await run('cat; (sleep 3; echo late) & echo end')).toMatchObject({
    exitCode: 0,
    output: 'end\n',
  })
})

test('only the first 64 KiB of the output are kept', async () => {
  const { output } = await run('head -c 200000 /dev/zero | tr "\\0" x')
  expect(output).toBe('x'.repeat(64 * 1024))
})

test('kill also ends the processes that the command started', async () => {
  const file = join(folder, 'pid')
  const command = begin(`sleep 600 & echo $! > ${file}; wait`)
  const read = (): number => {
    try {
      return Number(readFileSync(file, 'utf8'))
    } catch {
      return 0
    }
  }
  while (read() === 0) await delay(10)
  command.kill()
  expect(await command.ended).toEqual({ exitCode: null, signal: 'SIGKILL', output: '' })
  // Ended, or a zombie that process 1 has not collected yet.
  while (isRunning(read())) await delay(10)
})

test('commands run at the same time', async () => {
  const ends = await Promise.all(
    Array.from({ length: 8 }, (_, i) => run(`sleep 0.1; echo ${i}; exit ${i}`)),
  )
  expect(ends.map(({ exitCode }) => exitCode)).toEqual([0, 1, 2, 3, 4, 5, 6, 7])
})

function isRunning(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) [ZX]/s.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return false
  }
}
