/** Completion for bash. */
import { argumentOf, GLOBAL_OPTIONS, NAME_COMMANDS, namesOf, optionsOf } from './completion'
import type { Option, Verb } from '../verb'

export function bashScript(verbs: readonly Verb[]): string {
  const names = verbs.flatMap(namesOf)
  return `# bash completion for node-kmod
_node_kmod() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD - 1]} verb= words= word
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case $word in
      ${names.join('|')}) verb=$word; break ;;
    esac
  done
  COMPREPLY=()
  case $verb:$prev in
${valueCases(verbs)}
  esac
  if [[ $cur == -* ]]; then
    case $verb in
${verbs.map((verb) => `      ${namesOf(verb).join('|')}) words='${flags(optionsOf(verb))}' ;;`).join('\n')}
      *) words='${flags(GLOBAL_OPTIONS)} --help --version' ;;
    esac
  else
    case $verb in
      '') words='${names.join(' ')}' ;;
${verbs.flatMap(argumentCase).join('\n')}
    esac
  fi
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
# Files, where nothing else matches: a .ko file, a folder.
complete -o default -F _node_kmod node-kmod`
}

const flags = (options: readonly Option[]): string =>
  options.map(({ name }) => `--${name}`).join(' ')

/** Options of compgen. */
const FILES = { folders: '-d', files: '-f' } as const

/** What follows an option that takes a value; nothing is offered where nothing is known. */
function valueCases(verbs: readonly Verb[]): string {
  const options = new Map(
    verbs.flatMap((verb) => optionsOf(verb).map((option) => [option.name, option] as const)),
  )
  return [...options.values()]
    .filter(({ value }) => value !== undefined)
    .map(({ name, words }) => {
      const offered = typeof words === 'string' ? FILES[words] : `-W '${(words ?? []).join(' ')}'`
      return `    *:--${name}) COMPREPLY=($(compgen ${offered} -- "$cur")); return ;;`
    })
    .join('\n')
}

function argumentCase(verb: Verb): string[] {
  const completes = argumentOf(verb)?.completes
  if (completes === undefined) return []
  const names = namesOf(verb).join('|')
  if (completes === 'folders') {
    return [`      ${names}) COMPREPLY=($(compgen ${FILES.folders} -- "$cur")); return ;;`]
  }
  const words =
    typeof completes === 'string' ? `$(${NAME_COMMANDS[completes]})` : `'${completes.join(' ')}'`
  return [`      ${names}) words=${words} ;;`]
}
