/** Commands of modprobe.d, run by the helper. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { HelperCommand } from '../../lib/live/helper/commands'

const run = (command: string): HelperCommand['ended'] =>
  new HelperCommand('the_module', command).ended

let folder: string
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'kmod-command-'))))
afterEach(() => rmSync(folder, { recursive: true, force: true }))

test('the exit status and both streams are told; the module is in the environment', async () => {
  expect(await run('echo "$MODPROBE_MODULE"; echo oops >&2; exit 3')).toEqual({
    exitCode: 3,
    signal: null,
    output: 'the_module\noops\n',
  })
  expect(await run('true')).toEqual({ exitCode: 0, signal: null, output: '' })
})

test('a command that a signal ends has no exit status', async () => {
  expect(await run('echo before; kill -TERM $$')).toEqual({
    exitCode: null,
    signal: 'SIGTERM',
    output: 'before\n',
  })
})

test('there is nothing to read, and nobody waits for what is left in the background', async () => {
  expect(await run('cat; (sleep 3; echo late) & echo end')).toMatchObject({
    exitCode: 0,
    output: 'end\n',
  })
})

test('of much output the first 64 KiB are kept', async () => {
  const { output } = await run('head -c 200000 /dev/zero | tr "\\0" x')
  expect(output).toBe('x'.repeat(64 * 1024))
})

test('kill ends what the command started, too', async () => {
  const file = join(folder, 'pid')
  const command = new HelperCommand('the_module', `sleep 600 & echo $! > ${file}; wait`)
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
  // Gone, or waiting for init to collect it.
  while (isRunning(read())) await delay(10)
})

test('commands run side by side', async () => {
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
