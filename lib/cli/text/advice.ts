/**
 * Messages of the library tell programs what to do (`holders: 'remove'`). This turns such advice into
 * words for the command line (`--holders remove`).
 */
import { shellCommand } from './words'

/** As String.replace() calls it: with the text that was found, and its groups. */
type Words = (found: string, first: string, second: string) => string

const kebab = (name: string): string =>
  name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)

const why: Words = (_, name) => `node-kmod why ${shellCommand([name])}`
const status: Words = (_, name) => `Run node-kmod status ${shellCommand([name])}`
const allow: Words = (_, effect) => `--allow ${shellCommand([effect])}`
const optionWithValue: Words = (_, name, value) => `--${kebab(name)} ${value}`
const option: Words = (_, name) => `--${kebab(name)}`
const valueOf: Words = (_, name) => `The value of --${kebab(name)}`

const TRANSLATIONS: readonly [pattern: RegExp, words: string | Words][] = [
  [/\blist\(\) has\b/g, 'node-kmod list shows'],
  [/\bexplain\('([^']*)'\)/g, why],
  [/\bCall status\('([^']*)'\)/g, status],
  [/\b(load|info)\(\{ file \}\)/g, 'node-kmod $1 ./NAME.ko'],
  // Up to the end of the list: the subject of an effect can contain any characters.
  [/\ballow: \['(.*)'\]/g, allow],
  [/\b(holders|commands|guard|onFailure|dependencies): '(\w+)'/g, optionWithValue],
  [/\b(force|allowUnknown|mustBeLoaded): true/g, option],
  [/This Kmod (looks|reads)/g, 'With --root, node-kmod $1'],
  [
    /Use a Kmod without `root` to change the running kernel/g,
    'Omit --root to change the running kernel',
  ],
  [/Use a Kmod without `root`/g, 'Omit --root'],
  [/\ba larger wait\b/g, 'a larger --wait'],
  [/The "options\.parameters\.([^"]+)" argument/g, 'Parameter $1'],
  [/The "options\.(\w+)" argument/g, valueOf],
  [
    /The new plan is the `plan` of this error: check it, then unload with it\./g,
    'Run the command again to see the new plan.',
  ],
]

export function forCommandLine(message: string): string {
  // One call for both kinds of replacement: TypeScript has one signature for each.
  return TRANSLATIONS.reduce(
    (text, [pattern, words]) => text.replace(pattern, words as string),
    message,
  )
}
