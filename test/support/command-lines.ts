/** The command lines of the documentation that begin with node-kmod, npm or npx. */
import { PAGES, quoted, read, snippetsOf, withoutCode } from './documents'

/** Pages with commands: those for users, and what is published beside the package. */
export const COMMAND_PAGES: readonly string[] = [
  ...PAGES,
  'ansible/README.md',
  'examples/driver-ci/README.md',
]

export interface CommandLine {
  /** The page, and the words. */
  name: string
  page: string
  program: 'node-kmod' | 'npm' | 'npx'
  args: string[]
  /** In the middle of a sentence, where it may be only a part of a command, such as `unload --dry-run`. */
  isInline: boolean
}

/** Of these, a block of code has no commands, but what they print. */
const NO_COMMANDS = ['js', 'text']

export function commandLines(page: string): CommandLine[] {
  const blocks = snippetsOf(page).flatMap(({ language, code }) =>
    NO_COMMANDS.includes(language) ? [] : [code],
  )
  const prose = withoutCode(read(page))
  // After a line of text, an indented line belongs to that text.
  const indented = [...prose.matchAll(/(?<=\n\n)(?: {4}.*\n)+/g)].map(([block]) => block)
  const inline = quoted(prose).map((code) => code.replace(/\s+/g, ' '))
  return [
    ...[...blocks, ...indented].flatMap((code) => commandsIn(page, code, false)),
    ...inline.flatMap((code) => commandsIn(page, code, true)),
  ]
}

/** A word of a shell: parts in quotes, $(...), and what is no operator. */
const WORD = String.raw`(?:"[^"\n]*"|'[^'\n]*'|\$\([^)]*\)|[^\s"'|;&<>()#])+`
const WORDS = new RegExp(WORD, 'g')
const COMMAND = new RegExp(String.raw`(?<![\w/.@-])(node-kmod|npm|npx)((?: +${WORD})+)`, 'g')

function commandsIn(page: string, code: string, isInline: boolean): CommandLine[] {
  // Lines that continue are joined, and comments removed.
  const lines = code.replace(/\\\n\s*/g, ' ').replace(/(^|\s)#.*$/gm, '')
  return [...lines.matchAll(COMMAND)].flatMap(([, program, words]) => {
    const args = words!.match(WORDS)!.map((word) => word.replace(/["']/g, ''))
    return withInner({ page, program: program as CommandLine['program'], args, isInline })
  })
}

/** The command itself, and the one that npx or `node-kmod vm` runs. */
function withInner(command: Omit<CommandLine, 'name'>): CommandLine[] {
  const { page, program, args } = command
  const name = `${page}: ${[program, ...args].join(' ')}`
  const inner = program === 'npx' ? args : args.slice(args.indexOf('--') + 1 || args.length)
  const [next, ...rest] = inner
  const isProgram = next === 'node-kmod' || next === 'npm' || next === 'npx'
  const more = isProgram ? withInner({ ...command, program: next, args: rest }) : []
  return [{ ...command, name }, ...more]
}
