/** The completion scripts in fish and zsh, which read them as for a user at a terminal. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { nodeKmod } from '../support/cli'

jest.setTimeout(60_000)

let folder: string
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'kmod-completion-'))
  // The names of modules come from a file of the test, because this system may have no modules.
  const table = join(folder, 'modules')
  writeFileSync(table, 'tun 1 0 - Live 0x0\ntunnel4 1 0 - Live 0x0\nloop 1 0 - Live 0x0\n')
  for (const shell of ['fish', 'zsh']) {
    const { stdout } = await nodeKmod('completion', shell)
    const file = join(folder, shell === 'zsh' ? '_node-kmod' : 'fish')
    writeFileSync(file, stdout.replaceAll('/proc/modules', table))
  }
})
afterAll(() => rmSync(folder, { recursive: true }))

/** What fish offers for the last word. */
function offeredByFish(line: string): string[] {
  const script = `source ${join(folder, 'fish')}; complete -C ${JSON.stringify(line)}`
  const lines = execFileSync('fish', ['--no-config', '-c', script], {
    encoding: 'utf8',
    env: { ...process.env, HOME: folder },
  }).split('\n')
  return lines.map((one) => one.split('\t')[0]!).filter((word) => word !== '')
}

test('fish completes verbs, options, the values of options, and the names of loaded modules', () => {
  expect(offeredByFish('node-kmod unl')).toEqual(['unload'])
  expect(offeredByFish('node-kmod unload --dr')).toEqual(['--dry-run'])
  expect(offeredByFish('node-kmod unload --guard ')).toEqual(['off', 'refuse', 'strict'])
  expect(offeredByFish('node-kmod unload --allow fire')).toEqual(['firewall'])
  expect(offeredByFish('node-kmod completion ')).toEqual(['bash', 'fish', 'zsh'])
  expect(offeredByFish('node-kmod unload tu')).toEqual(['tun', 'tunnel4'])
})

/**
 * Types lines in an interactive zsh, each followed by two tabs, and returns what the shell printed for each
 * one until it showed the text that is expected.
 */
function shownByZsh(lines: readonly (readonly [line: string, expected: string])[]): string[] {
  const script = `
    zmodload zsh/zpty
    shown() {  # Prints what zsh shows, until the text is there.
      local all= piece
      repeat 200; do
        while zpty -r -t shell piece; do all+=$piece; done
        [[ $all == *$1* ]] && break
        sleep 0.05
      done
      print -rN -- $all
    }
    zpty shell zsh -f -i
    zpty -w shell 'PS1="> "; fpath=(${folder} $fpath); autoload -U compinit; compinit -D -u; print rea\\dy'
    shown ready > /dev/null
    while (( $# > 0 )); do
      zpty -n -w shell "$1"$'\\t\\t'
      shown $2
      zpty -n -w shell $'\\x15'  # deletes the line
      shift 2
    done
    zpty -d shell`
  const printed = execFileSync('zsh', ['-f', '-c', script, 'zsh', ...lines.flat()], {
    encoding: 'utf8',
    env: { ...process.env, HOME: folder, TERM: 'dumb' },
  })
  return printed.split('\0').slice(0, lines.length)
}

test('zsh completes verbs, options, the values of options, and the names of loaded modules', () => {
  const lines = [
    ['node-kmod unl', 'unload '],
    ['node-kmod unload --dr', '--dry-run '],
    ['node-kmod unload --guard ', 'strict'],
    ['node-kmod unload --allow fire', 'firewall '],
    ['node-kmod completion ', 'zsh'],
    ['node-kmod unload tu', 'tunnel4'],
  ] as const
  const shown = shownByZsh(lines)
  lines.forEach(([, expected], i) => expect(shown[i]).toContain(expected))
  expect(shown[2]).toMatch(/off +refuse +strict/)
  expect(shown[4]).toMatch(/bash +fish +zsh/)
  expect(shown[5]).toMatch(/tun +tunnel4/)
})
