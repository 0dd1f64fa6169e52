/** The command line without a kernel: arguments, exit statuses, texts, man page, completion. */
import { execFileSync } from 'node:child_process'
import { PassThrough } from 'node:stream'
import { CommanderError } from 'commander'
import { KmodError, type LoadedModule, type UnloadPlan } from '../../lib'
import { EXIT_STATUSES, statusOf, statusOfCode } from '../../lib/cli/exit-status'
import { manPage } from '../../lib/cli/man'
import { parse } from '../../lib/cli/program'
import { Screen } from '../../lib/cli/screen'
import * as refusals from '../../lib/change/refusals'
import { forCommandLine, NAMED_VERBS } from '../../lib/cli/text/advice'
import { planText } from '../../lib/cli/text/plan'
import { table } from '../../lib/cli/text/table'
import { effectsText, usersText } from '../../lib/cli/text/usage'
import { shellCommand, time } from '../../lib/cli/text/words'
import { VERBS } from '../../lib/cli/verbs/table'

let printed: string
beforeEach(() => (printed = ''))
const outputs = {
  out: (text: string) => (printed += text),
  err: (text: string) => (printed += text),
}
const optionsOf = (...args: string[]) => parse(args, outputs).options

/** A terminal without colours. */
function terminal(columns: number): Screen {
  const stream = Object.assign(new PassThrough(), { isTTY: true, columns, env: {} })
  const before = process.env
  process.env = { ...before, NO_COLOR: '1', FORCE_COLOR: undefined }
  try {
    return new Screen(stream as unknown as NodeJS.WriteStream)
  } finally {
    process.env = before
  }
}

describe('arguments', () => {
  test.each([
    ['0', 0],
    ['500ms', 500],
    ['30s', 30_000],
    ['1.5s', 1_500],
    ['2m', 120_000],
  ])('a time: %s', (text, milliseconds) => {
    expect(optionsOf('unload', 'tun', '--wait', text)).toEqual({ wait: milliseconds })
  })

  test.each(['30', 'soon', '5h', '-1s', ''])('no time: "%s"', (text) => {
    expect(() => optionsOf('unload', 'tun', `--wait=${text}`)).toThrow(CommanderError)
    expect(printed).toMatch(/A time is a number with its unit: 500ms, 30s or 2m\./)
  })

  test('a time without its unit is not guessed', () => {
    expect(() => optionsOf('unload', 'tun', '--wait', '30')).toThrow(CommanderError)
    expect(printed).toContain('Did you mean 30s?')
  })

  test('infinity is accepted for --hung-after, and not for --wait', () => {
    expect(optionsOf('remove', 'tun', '--hung-after', 'infinity')).toEqual({ hungAfter: Infinity })
    expect(() => optionsOf('unload', 'tun', '--wait', 'infinity')).toThrow(CommanderError)
  })

  test('the parsed options are named as those of the call; options that were not given are absent', () => {
    expect(optionsOf('plan', 'tun')).toEqual({})
    expect(
      optionsOf(
        ...['unload', 'tun', '--no-soft-dependencies', '--must-be-loaded', '--on-failure'],
        ...['restore', '--holders', 'remove'],
      ),
    ).toEqual({
      softDependencies: false,
      mustBeLoaded: true,
      onFailure: 'restore',
      holders: 'remove',
    })
  })

  test('options of the program stand before or after the verb', () => {
    const expected = { root: '/srv', json: true }
    expect(optionsOf('--root', '/srv', '--json', 'list')).toEqual(expected)
    expect(optionsOf('list', '--root', '/srv', '--json')).toEqual(expected)
  })

  test('effects are separated by commas, or repeated; a subject may contain commas', () => {
    const options = ['--allow', 'swap,default-route:wlan0', '--allow', 'filesystem:/mnt/a,b']
    expect(optionsOf('plan', 'tun', ...options)).toEqual({
      allow: ['swap', 'default-route:wlan0', 'filesystem:/mnt/a,b'],
    })
  })

  test('parameters may contain equals signs and commas', () => {
    const options = ['--parameters', 'a=1,2', '--parameters', 'b=x=y']
    expect(optionsOf('load', 'dummy', ...options)).toEqual({ parameters: { a: '1,2', b: 'x=y' } })
  })

  test('the message about a misspelt word names the nearest word', () => {
    expect(() => parse(['unlod', 'tun'], outputs)).toThrow(CommanderError)
    expect(printed).toContain('Did you mean unload?')
    printed = ''
    expect(() => parse(['unload', 'tun', '--wiat', '5s'], outputs)).toThrow(CommanderError)
    expect(printed).toContain('Did you mean --wait?')
  })
})

test('--timeout is a time; the ending of --output chooses the format of a picture', () => {
  expect(optionsOf('graph', '--timeout', '500ms', '-o', 'a.svg')).toEqual({
    timeout: 500,
    output: 'a.svg',
  })
  expect(() => optionsOf('graph', '--output', 'a.png')).toThrow(CommanderError)
  expect(printed).toContain('The endings are .dot, .mmd, .svg, .html, .json.')
})

describe('exit statuses', () => {
  test.each([
    [2, ['ERR_INVALID_ARG_VALUE', 'ERR_INVALID_ARG_TYPE', 'commander.unknownOption']],
    [4, ['ERR_KMOD_UNSUPPORTED', 'ERR_KMOD_LIBRARY', 'ERR_KMOD_READ_ONLY', 'ERR_KMOD_VM']],
    [5, ['ERR_KMOD_CRITICAL', 'ERR_KMOD_REMOVE_COMMAND', 'ERR_KMOD_RELEASE']],
    [6, ['ERR_KMOD_NOT_FOUND', 'ERR_KMOD_NOT_LOADED', 'ERR_KMOD_BUILTIN', 'ERR_KMOD_PERMANENT']],
    [70, ['ERR_KMOD_HUNG']],
    [75, ['ERR_KMOD_HELD', 'ERR_KMOD_IN_USE', 'ERR_KMOD_TRANSIENT', 'ERR_KMOD_TIMEOUT']],
    [75, ['ERR_KMOD_NO_ANSWER', 'ERR_KMOD_REAPPEARED', 'ERR_KMOD_PLAN_CHANGED']],
    [77, ['ERR_KMOD_PERMISSION', 'ERR_KMOD_DISABLED']],
    [130, ['ERR_KMOD_ABORTED', 'ABORT_ERR']],
    [1, ['ERR_KMOD_SYSTEM', 'ERR_KMOD_LOAD', 'ERR_KMOD_ALREADY_LOADED', 'ERR_KMOD_FORMAT']],
  ])('%i', (status, codes) => {
    expect(codes.map(statusOfCode)).toEqual(codes.map(() => status))
  })

  test('an error without a code is 1', () => {
    expect(statusOf(new Error('?'))).toBe(1)
    expect(statusOf(new KmodError('ERR_KMOD_HUNG', ''))).toBe(70)
  })
})

describe('texts', () => {
  test('a command can be copied into a shell', () => {
    const argv = ['umount', "/mnt/it's $HOME", '/dev/sda1', '']
    expect(
      execFileSync('bash', ['-c', `printf '%s|' ${shellCommand(argv.slice(1))}`], {
        encoding: 'utf8',
      }),
    ).toBe(`${argv.slice(1).join('|')}|`)
  })

  test('control characters in a command are shown, and reach the program', () => {
    const path = "/mnt/\u001b[2J\n'\\"
    const command = shellCommand([path])
    // eslint-disable-next-line no-control-regex -- this is what must not be printed
    expect(command).not.toMatch(/[\u0000-\u001f]/)
    expect(execFileSync('bash', ['-c', `printf %s ${command}`], { encoding: 'utf8' })).toBe(path)
  })

  test('times', () => {
    expect([0.4, 12, 1_500, 61_000].map(time)).toEqual(['0 ms', '12 ms', '1.5 s', '61.0 s'])
  })

  test.each([
    ["Unload it first with holders: 'remove'.", 'Unload it first with --holders remove.'],
    ["Accept this with allow: ['filesystem:/a b'].", "Accept this with --allow 'filesystem:/a b'."],
    ["Accept it with allow: ['swap:it's'].", "Accept it with --allow 'swap:it'\\''s'."],
    ["explain('tun') lists what uses it.", 'node-kmod explain tun lists what uses it.'],
    ["Call status('tun').", 'Run node-kmod status tun.'],
    ["unload it first: kmod.unload('tun')", 'unload it first: node-kmod unload tun'],
    ['list() shows the loaded modules.', 'node-kmod list shows the loaded modules.'],
    ['Accept unknown names with allowUnknown: true.', 'Accept unknown names with --allow-unknown.'],
    ['give its file: load({ file }).', 'give its file: node-kmod load ./NAME.ko.'],
    ['Omit `root`, or `umount /mnt`.', 'Omit --root, or `umount /mnt`.'],
    ['The "options.waitFor" argument must be', 'The value of --wait-for must be'],
    ['The "options.parameters.a" argument must be', 'The value of a in --parameters must be'],
    ["What no option is stays: type: 'x', close(), a plan.", ''],
  ])('advice for programs becomes advice for the command line: %s', (message, expected) => {
    expect(forCommandLine(message)).toBe(expected || message)
  })

  test('no refusal advises the command line to write options and calls as a program does', () => {
    const effect = { module: 'm', kind: 'swap', subject: '/swap', severity: 'critical' } as const
    const messages = [
      refusals.READ_ONLY,
      refusals.notFoundBlocker('m', 'inspect'),
      refusals.notFoundBlocker('m', 'unload'),
      refusals.notFoundBlocker('m', 'load'),
      refusals.notFoundBlocker('m.ko', 'info'),
      refusals.heldBlocker('m', ['a', 'b']),
      refusals.inUseBlocker('m', 1),
      refusals.permanentBlocker('m'),
      refusals.queuedBlocker('m'),
      refusals.removeCommandBlocker('m', '/bin/true'),
      refusals.noAnswerBlocker('m', 'read /proc/swaps'),
      refusals.criticalBlocker({ ...effect, message: 'The swap would be lost.' }),
    ].map(({ message }) => message)
    for (const message of messages) {
      expect(forCommandLine(message)).not.toBe(message)
      expect(forCommandLine(message)).not.toMatch(/: ('|\[|true)|\(\)|\('|`/)
    }
  })

  test('each verb that messages name exists', () => {
    const names = VERBS.map(({ name }) => name)
    expect(NAMED_VERBS.filter((name) => !names.includes(name))).toEqual([])
  })

  test('the last column is wrapped at the width of the terminal, and nowhere without one', () => {
    const rows = [
      ['tun', 'a text that is much longer than the terminal is wide'],
      ['dummy', 'short'],
    ]
    expect(table(terminal(30), rows).split('\n')).toEqual([
      'tun    a text that is much',
      '       longer than the',
      '       terminal is wide',
      'dummy  short',
    ])
    const pipe = new Screen(Object.assign(new PassThrough(), { isTTY: false }) as never)
    expect(table(pipe, rows)).toBe(`tun    ${rows[0]![1]!}\ndummy  short`)
  })

  test('in a narrow terminal, the text of the last column stands below the row', () => {
    const rows = [['critical', 'default-route', 'The default route would be lost.']]
    expect(table(terminal(40), rows).split('\n')).toEqual([
      'critical  default-route',
      '    The default route would be lost.',
    ])
  })

  test('names that other users chose cannot control the terminal', () => {
    const text = usersText(terminal(200), [
      {
        ...{ kind: 'process', module: 'tun', pid: 7, comm: '\u001b[2Jx', path: '/dev/\nnet' },
        ...{ fd: 3, self: false, unit: null, references: 1 },
        release: { kind: 'process', text: 'close \u001b]0;x', command: ['kill', '7'] },
      },
    ])
    // eslint-disable-next-line no-control-regex -- this is what must not be printed
    expect(text).not.toMatch(/\u001b/)
    expect(text).toContain('process 7 (\\u{1b}[2Jx), /dev/\\u{a}net')
    expect(text).toContain('$ kill 7')
  })

  test('effects: the most severe first', () => {
    const effect = { module: 'm', subject: 's' }
    const text = effectsText(terminal(80), [
      { ...effect, kind: 'interface', severity: 'disruptive', message: 'The interface.' },
      { ...effect, kind: 'swap', severity: 'critical', message: 'The swap.' },
    ])
    expect(text.split('\n')).toEqual([
      'critical    swap       The swap.',
      'disruptive  interface  The interface.',
    ])
  })

  test('a plan is a tree: what is used stands below its user, also what stays', () => {
    const row = (name: string, holders: string[]): LoadedModule => ({
      ...{ name, holders, size: 0, refCount: holders.length, state: 'live' },
      ...{ permanent: false, taints: '' },
    })
    const plan: UnloadPlan = {
      ...{ targets: ['br_netfilter', 'dummy'], absent: ['tun'], blockers: [], effects: [] },
      steps: [
        { action: 'remove', module: 'br_netfilter', reason: 'target' },
        { action: 'remove', module: 'bridge', reason: 'dependency' },
        { action: 'remove', module: 'stp', reason: 'dependency' },
        { action: 'remove', module: 'dummy', reason: 'target' },
      ],
      kept: [{ module: 'llc', reason: 'held' }],
      ...{ feasible: true, unreadable: [], options: {} as UnloadPlan['options'] },
    }
    const modules = [
      row('br_netfilter', []),
      row('bridge', ['br_netfilter']),
      row('stp', ['bridge', 'garp']),
      row('llc', ['bridge', 'stp', 'garp']),
      row('dummy', []),
    ]
    expect(planText(terminal(80), plan, modules).split('\n')).toEqual([
      'Not loaded: tun.',
      '',
      'In this order:',
      '  1  br_netfilter  asked for',
      '  2  └─ bridge  nothing else uses it',
      '  3     └─ stp  nothing else uses it',
      '           └─ llc  stays: another module uses it',
      '  4  dummy  asked for',
    ])
  })
})

describe('help, man page and completion', () => {
  const options = VERBS.flatMap((verb) => verb.options.map(({ name }) => name))

  test('each verb has a help with an example', () => {
    for (const { name, options: own, examples } of VERBS) {
      printed = ''
      expect(() => parse([name, '--help'], outputs)).toThrow(CommanderError)
      for (const option of own) {
        expect(
          printed.match(new RegExp(`^  (-\\w, )?--${option.name}(?![-\\w])`, 'gm')),
        ).toHaveLength(1)
      }
      expect(examples.length).toBeGreaterThan(0)
      for (const [command] of examples) {
        expect(printed).toContain(`node-kmod ${command}`)
        // Each example is a command line that is accepted.
        const words = command.replace(/ > .*/, '').split(' ')
        expect(parse(words, outputs).verb.name).toBe(name)
      }
    }
  })

  test('the man page has every verb, option and exit status', () => {
    const page = manPage().replaceAll('\\-', '-')
    for (const { name, alias } of VERBS) {
      expect(page).toContain(`.SS "${name}`)
      if (alias !== undefined) expect(page).toContain(`Its other name is ${alias}.`)
    }
    for (const name of options) expect(page).toMatch(new RegExp(`^\\.B (-\\w, )?--${name}\\b`, 'm'))
    for (const { status, codes } of EXIT_STATUSES) {
      expect(page).toContain(`.B ${status}\n`)
      for (const code of codes) expect(page).toContain(code)
    }
  })

  async function scriptFor(shell: string): Promise<string> {
    const { run } = VERBS.find(({ name }) => name === 'completion')!
    const answer = await run({ arguments: [shell] } as Parameters<typeof run>[0])
    return (answer as { value: string }).value
  }
  let script: string
  beforeAll(async () => {
    script = await scriptFor('bash')
  })

  test('the scripts for zsh and fish have every verb and option', async () => {
    const [zsh, fish] = [await scriptFor('zsh'), await scriptFor('fish')]
    for (const { name, alias = name } of VERBS) {
      for (const each of [name, alias]) {
        expect(zsh).toContain(`'${each}:`)
        expect(fish).toContain(`-a ${each} -d`)
      }
    }
    for (const name of options) {
      expect(zsh).toContain(`--${name}[`)
      expect(fish).toContain(`-l ${name} -d`)
    }
  })

  test('an unknown shell is wrong usage, and says which are known', async () => {
    await expect(scriptFor('csh')).rejects.toMatchObject({
      code: 'commander.invalidArgument',
      message: 'There is no completion for csh; there is one for bash, zsh, fish.',
    })
  })

  /** What bash offers for the last word; its commands read `names` instead of the files of the system. */
  function offered(names: string, ...words: string[]): string[] {
    const program = script
      .replaceAll('/proc/modules', '<(printf %s "$NAMES")')
      .replaceAll('/lib/modules/$(uname -r)/modules.dep', '<(printf %s "$NAMES")')
    const complete = `${program}
      COMP_WORDS=(node-kmod "$@") COMP_CWORD=$#
      _node_kmod
      printf '%s\\n' "\${COMPREPLY[@]}"`
    return execFileSync('bash', ['--norc', '-c', complete, 'bash', ...words], {
      encoding: 'utf8',
      env: { ...process.env, NAMES: names },
    })
      .split('\n')
      .filter((word) => word !== '')
  }

  test('bash completes verbs, options, and the values of options', () => {
    expect(offered('', 'un')).toEqual(['unload'])
    expect(offered('', 'wh')).toEqual(['why'])
    expect(offered('', 'unload', '--dr')).toEqual(['--dry-run'])
    expect(offered('', 'unload', 'tun', '--holders', '')).toEqual(['refuse', 'remove'])
    expect(offered('', '--json', 'plan', '--guard', 's')).toEqual(['strict'])
    expect(offered('', 'list', '--dr')).toEqual([])
    expect(offered('', 'completion', 'z')).toEqual(['zsh'])
    expect(offered('', 'vm', '--timeo')).toEqual(['--timeout'])
    expect(offered('', 'capture', '/pro')).toEqual(['/proc'])
    expect(offered('', 'graph', '--output', '/proc/cpuin')).toEqual(['/proc/cpuinfo'])
  })

  test('bash completes the names of modules: loaded ones for unload, those of the index for load', () => {
    const loaded = 'tun 1 0 - Live 0x0\ntunnel4 1 0 - Live 0x0\nloop 1 0 - Live 0x0\n'
    expect(offered(loaded, 'unload', 'tun')).toEqual(['tun', 'tunnel4'])
    expect(offered(loaded, 'unload', 'loop', 'tun')).toEqual(['tun', 'tunnel4'])
    const index =
      'kernel/net/dummy.ko.xz:\nkernel/net/llc.ko: \nkernel/net/stp.ko: kernel/net/llc.ko\n'
    expect(offered(index, 'load', '')).toEqual(['dummy', 'llc', 'stp'])
    expect(offered(index, 'load', 's')).toEqual(['stp'])
  })
})
