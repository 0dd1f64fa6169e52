/**
 * Messages of the library tell programs what to do (`holders: 'remove'`). This turns such advice into
 * words for the command line (`--holders remove`).
 */
import { shellCommand } from './words'

const kebab = (name: string): string =>
  name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)

const TRANSLATIONS: readonly [pattern: RegExp, words: (...found: string[]) => string][] = [
  [/\blist\(\) has\b/g, () => 'node-kmod list shows'],
  [/\bexplain\('([^']*)'\)/g, (_, name = '') => `node-kmod why ${shellCommand([name])}`],
  [/\bCall status\('([^']*)'\)/g, (_, name = '') => `Run node-kmod status ${shellCommand([name])}`],
  [/\b(load|info)\(\{ file \}\)/g, (_, verb = '') => `node-kmod ${verb} ./NAME.ko`],
  // At the end of a sentence; the subject of an effect can contain any characters.
  [/\ballow: \['(.*)'\]/g, (_, effect = '') => `--allow ${shellCommand([effect])}`],
  [
    /\b(holders|commands|guard|onFailure|dependencies): '(\w+)'/g,
    (_, name = '', value = '') => `--${kebab(name)} ${value}`,
  ],
  [/\b(force|allowUnknown|mustBeLoaded): true/g, (_, name = '') => `--${kebab(name)}`],
  [
    / Use a Kmod without `root` to change the running kernel\./g,
    () => ' Omit --root to change the running kernel.',
  ],
  [/This Kmod looks/g, () => 'With --root, node-kmod looks'],
  [/\ba larger wait\b/g, () => 'a larger --wait'],
  [/The "options\.parameters\.([^"]+)" argument/g, (_, name = '') => `Parameter ${name}`],
  [/The "options\.(\w+)" argument/g, (_, name = '') => `The value of --${kebab(name)}`],
  [
    / The new plan is the `plan` of this error: check it, then unload with it\./g,
    () => ' Run the command again to see the new plan.',
  ],
]

export function forCommandLine(message: string): string {
  return TRANSLATIONS.reduce(
    (text, [pattern, words]) => text.replace(pattern, words as (...all: unknown[]) => string),
    message,
  )
}
