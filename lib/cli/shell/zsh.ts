/** Completion for zsh. */
import { argumentOf, NAME_COMMANDS, namesOf, optionsOf } from './completion'
import type { Argument, Option, Verb } from '../verb'

export function zshScript(verbs: readonly Verb[]): string {
  return `#compdef node-kmod
# zsh completion for node-kmod
_node_kmod_loaded() {
  local -a names
  names=(\${(f)"$(${NAME_COMMANDS.loaded})"})
  compadd -a names
}
_node_kmod_modules() {
  local -a names
  names=(\${(f)"$(${NAME_COMMANDS.modules})"})
  compadd -a names
  _files -g '*.ko*'
}
_node_kmod() {
  if (( CURRENT == 2 )); then
    local -a verbs
    verbs=(
${verbs.flatMap((verb) => namesOf(verb).map((name) => `      ${quoted(`${name}:${verb.summary}`)}`)).join('\n')}
    )
    _describe verb verbs
    return
  fi
  local verb=$words[2]
  shift words
  (( CURRENT-- ))
  case $verb in
${verbs.map(verbCase).join('\n')}
  esac
}
# zsh runs a file in fpath as the function; a sourced file must register the function.
if [[ $funcstack[1] == _node-kmod ]]; then _node_kmod; else compdef _node_kmod node-kmod; fi`
}

function verbCase(verb: Verb): string {
  const specs = [...optionsOf(verb).map(optionSpec), ...argumentSpec(argumentOf(verb))]
  return `    ${namesOf(verb).join('|')})
      _arguments ${specs.map(quoted).join(' ')} ;;`
}

/** Functions of zsh. */
const FILES = { folders: '_files -/', files: '_files' } as const

function optionSpec({ name, value, help, words }: Option): string {
  const flag = `--${name}[${escaped(help)}]`
  if (value === undefined) return flag
  const offered =
    typeof words === 'string' ? FILES[words] : words === undefined ? ' ' : `(${words.join(' ')})`
  return `${flag}:${escaped(value)}:${offered}`
}

function argumentSpec(argument: Argument | undefined): string[] {
  if (argument === undefined) return []
  const { completes, several = false, name } = argument
  const offered =
    completes === 'folders'
      ? FILES.folders
      : typeof completes === 'string'
        ? `_node_kmod_${completes}`
        : `(${completes.join(' ')})`
  return [`${several ? '*' : '1'}:${escaped(name)}:${offered}`]
}

/** In a specification of _arguments. */
const escaped = (text: string): string => text.replace(/[\\:[\]]/g, '\\$&')
const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`
