/**
 * Messages of the library name options and calls as a program writes them: `holders: 'remove'`,
 * `force: true`, `allow: ['swap']`, an option alone in backquotes, `explain('tun')`. The command line has
 * the same options and calls, and shows how it writes them: `--holders remove`, `node-kmod explain tun`.
 */
import {
  FILES,
  MUST_BE_NEW,
  PARAMETERS,
  PLAN_OPTIONS,
  propertyOf,
  RUN_OPTIONS,
  SYSTEM_OPTIONS,
} from '../options'
import { shellCommand } from './words'

const FLAGS: ReadonlyMap<string, string> = new Map(
  [...SYSTEM_OPTIONS, ...PLAN_OPTIONS, ...RUN_OPTIONS, PARAMETERS, FILES, MUST_BE_NEW].map(
    (option) => [propertyOf(option), `--${option.name}`],
  ),
)

/** The verbs that messages name. */
export const NAMED_VERBS = ['explain', 'info', 'list', 'load', 'status', 'trace', 'unload', 'watch']

/** Up to the end of the list, because the subject of an effect can contain any characters. */
const OPTION = /\b(\w+): (?:true|'([\w-]+)'|\['(.*)'\])/gs
const OPTION_NAME = /`(\w+)`/g
const CALL = new RegExp(
  `\\b(Call )?(?:kmod\\.)?(${NAMED_VERBS.join('|')})\\((?:'([^']*)'|(\\{ file \\}))?\\)`,
  'g',
)
/** Of a TypeError. */
const ARGUMENT = /The "options\.(\w+)(?:\.([^"]+))?" argument/g

export function forCommandLine(message: string): string {
  return message
    .replace(OPTION, (text, name: string, word?: string, element = word) => {
      const flag = FLAGS.get(name)
      if (flag === undefined) return text
      return element === undefined ? flag : `${flag} ${shellCommand([element])}`
    })
    .replace(OPTION_NAME, (text, name: string) => FLAGS.get(name) ?? text)
    .replace(CALL, (_, call: string | undefined, verb: string, name?: string, file?: string) => {
      const target = file === undefined ? name : './NAME.ko'
      const words = ['node-kmod', verb, ...(target === undefined ? [] : [target])]
      return `${call === undefined ? '' : 'Run '}${shellCommand(words)}`
    })
    .replace(ARGUMENT, (text, name: string, key?: string) => {
      const flag = FLAGS.get(name)
      if (flag === undefined) return text
      return key === undefined ? `The value of ${flag}` : `The value of ${key} in ${flag}`
    })
}
