/** A package source for a release of Debian, derived from the Debian mirror that this system uses. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { vmError } from './errors'

export interface DebianSource {
  uri: string
  /** The keyring file or the key itself, as apt's Signed-By takes it; undefined: apt's default keys. */
  signedBy: string | undefined
}

/** The path of a Debian mirror ends in /debian; that of the security archive does not. */
const MIRROR = /^\S+\/debian\/?$/

/** Debian's own mirror, and its keys as the package debian-archive-keyring installs them. */
const PUBLIC_MIRROR = 'http://deb.debian.org/debian'
const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg'

/**
 * The first Debian mirror that is configured below the folder (/etc/apt). A system that is not Debian has
 * none: then Debian's own, if its keys are installed.
 */
export function findDebianSource(folder = '/etc/apt', keyring = KEYRING): DebianSource {
  const parts = join(folder, 'sources.list.d')
  const files = existsSync(parts)
    ? readdirSync(parts)
        .sort()
        .map((name) => join(parts, name))
    : []
  for (const file of [join(folder, 'sources.list'), ...files].filter((path) => existsSync(path))) {
    const source = readSource(file)
    if (source !== undefined) return source
  }
  if (existsSync(keyring)) return { uri: PUBLIC_MIRROR, signedBy: keyring }
  throw vmError(
    `${folder} configures no Debian mirror, and Debian's keys are missing, with which a kernel is checked. Install them: \`apt-get install debian-archive-keyring\`. Or use a kernel of this machine: { image: '/boot/vmlinuz-RELEASE', modules: '/lib/modules/RELEASE' }.`,
  )
}

function readSource(file: string): DebianSource | undefined {
  if (file.endsWith('.sources')) return parseStanzas(readFileSync(file, 'utf8'))
  if (file.endsWith('.list')) return parseLines(readFileSync(file, 'utf8'))
  return undefined
}

/** The first mirror of a file in apt's deb822 format. */
export function parseStanzas(content: string): DebianSource | undefined {
  const withoutComments = content.replace(/^#.*\n?/gm, '')
  for (const stanza of withoutComments.split(/\n\s*\n/)) {
    // A value continues in the next lines that begin with a blank: Signed-By can contain a whole key.
    const field = (key: string): string | undefined =>
      new RegExp(`^${key}:[ \\t]*(.*(?:\\n[ \\t].*)*)`, 'mi').exec(stanza)?.[1]?.trim()
    const isEnabled = !/^(no|false|0)$/i.test(field('Enabled') ?? '')
    const isBinary = field('Types')?.split(/\s+/).includes('deb') ?? false
    const uri = field('URIs')
      ?.split(/\s+/)
      .find((one) => MIRROR.test(one))
    if (uri !== undefined && isEnabled && isBinary) return { uri, signedBy: field('Signed-By') }
  }
  return undefined
}

/** The first mirror of a file in apt's one-line format. */
export function parseLines(content: string): DebianSource | undefined {
  for (const line of content.split('\n')) {
    const [, options = '', uri] = /^deb\s+(?:\[([^\]]*)\]\s+)?(\S+)\s/.exec(line) ?? []
    if (uri === undefined || !MIRROR.test(uri)) continue
    return { uri, signedBy: /signed-by=(\S+)/i.exec(options)?.[1] }
  }
  return undefined
}

/** A sources file for one suite of Debian, in apt's deb822 format. */
export function sourceOf({ uri, signedBy }: DebianSource, suite: string): string {
  const lines = [
    'Types: deb',
    `URIs: ${uri}`,
    `Suites: ${suite}`,
    'Components: main',
    // The release files of unstable expire after a week, and some mirrors are older than that. apt still
    // checks the signature of an expired file, with the keys below.
    'Check-Valid-Until: no',
    // A whole key begins on a new line.
    ...(signedBy === undefined
      ? []
      : [`Signed-By:${signedBy.includes('\n') ? '\n' : ''} ${signedBy}`]),
  ]
  return lines.join('\n') + '\n'
}
