/** The command line on a real kernel: what it changes, its exit status, and what is on the screen. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import type { UnloadPlan } from 'node-kmod'
import { outcomeOf } from '../../../support/child'
import { COMMAND, json, nodeKmod, startCommand } from '../../../support/cli'
import { nodeAsOtherUser, NOBODY, startIn } from '../../processes'
import {
  addLink,
  afterThisTest,
  attempt,
  countOf,
  describeWithTestModules,
  isInKernel,
  letReturn,
  modprobe,
  openTun,
  run,
  until,
} from '../../support'

// Each command starts Node.js, which takes seconds in an emulated guest, and minutes on a busy machine.
jest.setTimeout(600_000)

/** dummy0 is up: the module of the interface is not in use, but something would stop working. */
function addDummy(): void {
  modprobe('dummy', 'numdummies=0')
  addLink('dummy0', 'type', 'dummy')
  run('ip', ['link', 'set', 'dummy0', 'up'])
}

describe('without a terminal', () => {
  test('unload removes what only the module used, and says so', async () => {
    modprobe('br_netfilter')
    const { code, stdout, stderr } = await nodeKmod('unload', 'br_netfilter')
    expect(code).toBe(0)
    expect(stdout).toMatch(/^Removed br_netfilter, bridge, stp, llc in \d+(\.\d)? m?s\.\n/)
    expect(stderr).toMatch(/^1\/4 {2}removed br_netfilter .*\n2\/4 {2}removed bridge .*\n/)
    expect(['br_netfilter', 'bridge', 'stp', 'llc'].filter(isInKernel)).toEqual([])
  })

  test('without --yes, nothing stops working: the plan is printed, and the status is 2', async () => {
    addDummy()
    const { code, stdout, stderr } = await nodeKmod('unload', 'dummy')
    expect(code).toBe(2)
    expect(stdout).toContain('disruptive  interface')
    expect(stderr).toMatch(/^Nothing was changed: .* --yes\.\n$/)
    const { status, document } = await json('remove', 'dummy')
    expect(status).toBe(2)
    expect((document as UnloadPlan).effects).toMatchObject([{ subject: 'dummy0' }])
    expect(isInKernel('dummy')).toBe(true)
    expect(await json('unload', 'dummy', '--yes')).toMatchObject({
      status: 0,
      document: { removed: ['dummy'], clean: true },
    })
    expect(isInKernel('dummy')).toBe(false)
  })

  test('remove and load do what rmmod and modprobe do', async () => {
    expect(await json('load', 'dummy', 'numdummies=2')).toMatchObject({
      status: 0,
      document: { module: 'dummy', loaded: ['dummy'] },
    })
    expect(readdirSync('/sys/class/net').filter((name) => name.startsWith('dummy'))).toHaveLength(2)
    expect(await json('remove', 'dummy', '--yes')).toEqual({ status: 0, document: null })
    expect(isInKernel('dummy')).toBe(false)
  })

  test('a module in use: who, and the command that releases it; SIGINT ends a wait with status 130', async () => {
    modprobe('tun')
    // Not this process: nobody can end an ancestor of the command first.
    const { pid = 0 } = await startIn([], 'exec 3<>/dev/net/tun')
    const child = startCommand('unload', 'tun', '--wait', '60s')
    const ended = outcomeOf(child)
    child.stderr.on(
      'data',
      (text) => String(text).includes('waiting for tun') && child.kill('SIGINT'),
    )
    const { stderr, ...end } = await ended
    expect(end).toEqual({ code: 130, signal: null, stdout: '' })
    const count = countOf('tun')
    expect(stderr).toContain(`Module tun is in use: ${count} references not held by modules.\n`)
    expect(stderr).toMatch(new RegExp(`${count} {2}process ${pid} \\(.*\\), /dev/net/tun\n`))
    expect(stderr).toContain(`$ kill ${pid}\n`)
  })

  test('--wait: it is removed when it is not in use any more', async () => {
    const device = await openTun()
    const child = startCommand('unload', 'tun', '--wait', '60s')
    const ended = outcomeOf(child)
    child.stderr.once('data', () => void delay(100).then(() => device.close()))
    const { code, stdout, stderr } = await ended
    expect(code).toBe(0)
    expect(stdout).toMatch(/^Removed tun in /)
    expect(stderr).toMatch(/waiting for tun, \d+ s left/)
  })

  test('another user gets the command for root', () => {
    modprobe('dummy')
    const cli = (...args: string[]) =>
      nodeAsOtherUser(
        NOBODY,
        `process.argv.splice(1, 0, 'node-kmod', ...${JSON.stringify(args)}); require('./dist/cli/main.js')`,
      )
    const refused = cli('unload', 'dummy', '--wait', '5s')
    expect(refused).toMatchObject({ status: 77, stdout: '' })
    expect(refused.stderr).toMatch(/\nAs root: sudo .*node-kmod unload dummy --wait 5s\n$/)
    const planned = cli('plan', 'dummy')
    expect(planned).toMatchObject({ status: 0 })
    expect(planned.stderr).toMatch(/^\nRoot can read more: sudo .*node-kmod plan dummy\n$/)
  })

  test('trace prints one document a line, and ends when nobody reads it any more', async () => {
    modprobe('tun')
    const script = `${COMMAND} trace tun --json | head -1; echo "status \${PIPESTATUS[0]}"`
    const opening = setInterval(() => attempt('bash', ['-c', ': <> /dev/net/tun']), 200)
    afterThisTest(() => clearInterval(opening))
    const { code, stdout } = await outcomeOf(spawn('bash', ['-c', script]))
    clearInterval(opening)
    expect(code).toBe(0)
    const [line = '', status] = stdout.split('\n')
    expect(JSON.parse(line)).toMatchObject({ action: 'get', caller: expect.any(String) as unknown })
    expect(status).toBe('status 0')
  })

  test.each([
    ['watch', []],
    ['reap', ['dummy', '--interval', '60m', '--json']],
  ])('%s ends with a signal, with status 130 and without an error', async (verb, more) => {
    const child = startCommand(verb, ...more)
    const ended = outcomeOf(child)
    // So that `watch` has something to print when it has begun.
    const changing = setInterval(() => {
      attempt('modprobe', ['dummy'])
      attempt('modprobe', ['-r', 'dummy'])
    }, 500)
    afterThisTest(() => clearInterval(changing))
    await once(child.stdout, 'data')
    clearInterval(changing)
    child.kill('SIGINT')
    const { code, stdout, stderr } = await ended
    expect([code, stderr]).toEqual([130, ''])
    expect(stdout).not.toMatch(/abort/i)
  })
})

describeWithTestModules('with a test module', () => {
  test('what stays inside the kernel is status 70', async () => {
    modprobe('kmodtest_hang_exit')
    afterThisTest(async () => {
      letReturn('kmodtest_hang_exit')
      await until(
        'kmodtest_hang_exit is removed',
        () => !existsSync('/sys/module/kmodtest_hang_exit'),
      )
    })
    const { code, stderr } = await nodeKmod('unload', 'kmodtest_hang_exit', '--hung-after', '1s')
    expect(code).toBe(70)
    expect(stderr).toContain('Where it is in the kernel:')
  })
})

describe('in a terminal', () => {
  let sessions = 0

  /** A terminal in which a command runs; then its exit status is shown. */
  class Terminal {
    readonly #server = `kmod-test-${++sessions}`

    constructor(columns: number, command: string) {
      const script = `${COMMAND} ${command}; echo "status $?"; exec sleep 1000`
      const size = ['-x', String(columns), '-y', '40']
      this.#tmux('-f', '/dev/null', 'new-session', '-d', ...size, script)
      afterThisTest(() => attempt('tmux', ['-L', this.#server, 'kill-server']))
    }

    #tmux(...args: string[]): string {
      return run('tmux', ['-u', '-L', this.#server, ...args])
    }

    get screen(): string {
      return this.#tmux('capture-pane', '-p').trimEnd()
    }

    press(...keys: string[]): void {
      this.#tmux('send-keys', ...keys)
    }

    async shows(pattern: RegExp): Promise<string> {
      await until(`the screen shows ${pattern.source}`, () => pattern.test(this.screen), 240)
      return this.screen
    }
  }

  const PLAN = [
    'In this order:',
    '  1  dummy  asked for',
    '',
    'What would stop working:',
    '  disruptive  interface  The network interface dummy0, which is up, would be',
    '                         removed.',
    '',
  ].join('\n')

  test('the plan is shown before the question; no, Ctrl-D and Ctrl-C change nothing', async () => {
    addDummy()
    const replies: [keys: string[], end: RegExp][] = [
      [['n', 'Enter'], /Nothing was changed\.\nstatus 2$/],
      [['C-d'], /Nothing was changed\.\nstatus 2$/],
      [['C-c'], /status 130$/],
    ]
    const terminals = replies.map(() => new Terminal(80, 'unload dummy'))
    for (const [i, [keys, end]] of replies.entries()) {
      const question = await terminals[i]!.shows(/Go on\?/)
      expect(question.startsWith(PLAN)).toBe(true)
      expect(question.split('\n').at(-1)).toBe('Go on? [y/N]')
      terminals[i]!.press(...keys)
      expect(await terminals[i]!.shows(/status \d/)).toMatch(end)
    }
    expect(isInKernel('dummy')).toBe(true)
  })

  test('yes: each step, what went and how long it took', async () => {
    addDummy()
    const terminal = new Terminal(80, 'unload dummy')
    await terminal.shows(/Go on\?/)
    terminal.press('y', 'Enter')
    const [, after = ''] = (await terminal.shows(/status \d/)).split('Go on? [y/N] ')
    expect(after).toMatch(/^y\n1\/1 {2}removed dummy {2}\d+(\.\d)? m?s\nRemoved dummy in /)
    expect(after).toMatch(/What stopped working:\n {2}disruptive +interface +The network interface/)
    expect(after).toMatch(/status 0$/)
    expect(isInKernel('dummy')).toBe(false)
  })

  test('what changed since the question is not removed', async () => {
    addDummy()
    const terminal = new Terminal(80, 'unload dummy')
    await terminal.shows(/Go on\?/)
    addLink('dummy1', 'type', 'dummy')
    run('ip', ['link', 'set', 'dummy1', 'up'])
    terminal.press('y', 'Enter')
    expect(await terminal.shows(/status \d+$/)).toMatch(/dummy1[^]*status 75$/)
    expect(isInKernel('dummy')).toBe(true)
  })

  test('one line says how long it still waits; Ctrl-C ends it', async () => {
    await openTun()
    const terminal = new Terminal(80, 'unload tun --wait 90s')
    const before = await terminal.shows(/^waiting for tun, \d\d s left \(Ctrl-C ends it\)$/m)
    expect(before).toContain(`$ kill ${process.pid}`)
    const line = before.split('\n').at(-1)!
    const after = await terminal.shows(
      new RegExp(`^waiting for tun, (?!${/\d+/.exec(line)![0]}).*$`, 'm'),
    )
    expect(after.split('\n').length).toBe(before.split('\n').length)
    terminal.press('C-c')
    expect(await terminal.shows(/status \d+$/)).toMatch(/status 130$/)
    expect(await terminal.shows(/status/)).not.toMatch(/^waiting/m)
  })

  test('a narrow terminal: no line is wider, and the command stays in one piece', async () => {
    await openTun()
    const terminal = new Terminal(44, 'why tun')
    const lines = (await terminal.shows(/status 0$/)).split('\n')
    expect(lines).toContain(`            $ kill ${process.pid}`)
    expect(lines.slice(0, 2)).toEqual([`tun: live, reference count ${countOf('tun')}`, ''])
    // A line that the terminal had to break would begin at its left.
    const users = lines.slice(3, lines.indexOf('', 3))
    expect(users.filter((line) => /^\S/.test(line))).toEqual([])
  })
})
