/** Completion for fish. */
import { argumentOf, GLOBAL_OPTIONS, NAME_COMMANDS, namesOf } from './completion'
import type { Argument, Option, Verb } from '../verb'

export function fishScript(verbs: readonly Verb[]): string {
  return [
    '# fish completion for node-kmod',
    'function __node_kmod_loaded',
    `    ${NAME_COMMANDS.loaded}`,
    'end',
    'function __node_kmod_modules',
    `    ${NAME_COMMANDS.modules.replace('$(uname -r)', '(uname -r)')}`,
    'end',
    'complete -c node-kmod -f',
    ...verbs.flatMap((verb) =>
      namesOf(verb).map(
        (name) =>
          `complete -c node-kmod -n __fish_use_subcommand -a ${name} -d ${quoted(verb.summary)}`,
      ),
    ),
    ...GLOBAL_OPTIONS.map((option) => optionLine('', option)),
    ...verbs.flatMap(verbLines),
  ].join('\n')
}

function verbLines(verb: Verb): string[] {
  const condition = `-n '__fish_seen_subcommand_from ${namesOf(verb).join(' ')}' `
  const argument = argumentOf(verb)
  return [
    ...(argument === undefined ? [] : [argumentLine(condition, argument)]),
    ...verb.options.map((option) => optionLine(condition, option)),
  ]
}

const FOLDERS = `'(__fish_complete_directories)'`

function argumentLine(condition: string, { completes }: Argument): string {
  if (completes === 'folders') return `complete -c node-kmod ${condition}-a ${FOLDERS}`
  const files = completes === 'modules' ? '-F ' : ''
  const words = typeof completes === 'string' ? `(__node_kmod_${completes})` : completes.join(' ')
  return `complete -c node-kmod ${condition}${files}-a ${quoted(words)}`
}

function optionLine(condition: string, { name, value, help, words }: Option): string {
  const line = `complete -c node-kmod ${condition}-l ${name} -d ${quoted(help)}`
  if (value === undefined) return line
  if (words === 'folders') return `${line} -x -a ${FOLDERS}`
  if (words === 'files') return `${line} -r -F`
  return words === undefined ? `${line} -x` : `${line} -x -a ${quoted(words.join(' '))}`
}

const quoted = (text: string): string => `'${text.replaceAll("'", "\\'")}'`
