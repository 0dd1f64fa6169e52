/** Shell commands of modprobe.d (`remove`, `install`), which the helper runs. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { commandRequest, HelperCommand } from '../../lib/live/helper/commands'

const begin = (command: string): HelperCommand =>
  new HelperCommand(commandRequest('the_module', command), 'run a command')
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
