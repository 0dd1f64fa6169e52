/**
 * The files of modprobe.d and modules-load.d of a simulated system. Source: modprobe.d(5),
 * modules-load.d(5).
 */
import { invalidValue } from '../contract/errors'
import { normalize } from '../contract/names'
import type { RemovalPolicy } from '../kernel/module-index'
import { addTo } from '../kernel/lists'

/** What the files say, by module. */
export interface Configuration {
  /** The modules of each alias. */
  aliases: Map<string, string[]>
  options: Map<string, string[]>
  installCommands: Map<string, string>
  policies: Map<string, Partial<RemovalPolicy>>
  blacklist: Set<string>
}

const MODPROBE_FILE = /^(\/etc|\/run|(\/usr(\/local)?)?\/lib)\/modprobe\.d\/[^/]+\.conf$/
const LOAD_FILE =
  /^((\/etc|\/run|(\/usr(\/local)?)?\/lib)\/modules-load\.d\/[^/]+\.conf|\/etc\/modules)$/

/** Throws a TypeError for a path or a line that the simulated system does not understand. */
export function readConfiguration(files: Readonly<Record<string, string>>): Configuration {
  const found: Configuration = {
    aliases: new Map(),
    options: new Map(),
    installCommands: new Map(),
    policies: new Map(),
    blacklist: new Set(),
  }
  for (const [path, text] of Object.entries(files)) {
    if (typeof text !== 'string') throw invalidValue(`system.files['${path}']`, 'a text', text)
    if (LOAD_FILE.test(path)) readLoadFile(text, found)
    else if (MODPROBE_FILE.test(path)) readModprobeFile(path, text, found)
    else {
      throw invalidValue(
        'system.files',
        'files of modprobe.d or modules-load.d, such as /etc/modprobe.d/local.conf',
        path,
      )
    }
  }
  return found
}

function readLoadFile(text: string, { policies }: Configuration): void {
  for (const line of text.split('\n')) {
    const name = line.replace(/[#;].*/, '').trim()
    if (name !== '') addPolicy(policies, name, { configured: true })
  }
}

function readModprobeFile(path: string, text: string, found: Configuration): void {
  // A backslash at the end of a line continues it.
  for (const line of text.replace(/\\\n/g, ' ').split('\n')) {
    const words = line.trim().split(/\s+/)
    if (words[0] === '' || words[0]!.startsWith('#')) continue
    if (!readLine(words, found)) {
      throw invalidValue(
        `system.files['${path}']`,
        'lines with alias, blacklist, install, options, remove or softdep, without wildcards',
        line.trim(),
      )
    }
  }
}

/** Returns whether the line is understood. */
function readLine(words: readonly string[], found: Configuration): boolean {
  const [keyword, subject = '', ...rest] = words
  if (subject === '' || /[*?[]/.test(subject)) return false
  if (keyword === 'blacklist') {
    found.blacklist.add(normalize(subject))
    return rest.length === 0
  }
  if (rest.length === 0) return false
  const name = normalize(subject)
  switch (keyword) {
    case 'alias':
      addTo(found.aliases, subject, normalize(rest[0]!))
      return rest.length === 1
    case 'options':
      for (const option of rest) addTo(found.options, name, option)
      return true
    case 'install':
      found.installCommands.set(name, rest.join(' '))
      return true
    case 'remove':
      addPolicy(found.policies, name, { removeCommand: rest.join(' ') })
      return true
    case 'softdep':
      addPolicy(found.policies, name, { softDependencies: softDependencies(rest) })
      return true
    default:
      return false
  }
}

function softDependencies(words: readonly string[]): RemovalPolicy['softDependencies'] {
  const found: RemovalPolicy['softDependencies'] = { pre: [], post: [] }
  let list: string[] | undefined
  for (const word of words) {
    if (word === 'pre:' || word === 'post:') list = found[word === 'pre:' ? 'pre' : 'post']
    else list?.push(normalize(word))
  }
  return found
}

function addPolicy(
  policies: Configuration['policies'],
  name: string,
  more: Partial<RemovalPolicy>,
): void {
  const key = normalize(name)
  policies.set(key, { ...policies.get(key), ...more })
}
