/** A package source for Debian unstable, derived from the Debian source that this system has. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

export interface DebianSource {
  uri: string
  /** The keyring file or the key itself, as apt's Signed-By takes it; undefined: apt's default keys. */
  signedBy: string | undefined
}

/** A Debian mirror has a path that ends in /debian; the security archive has not. */
const MIRROR = /^\S+\/debian\/?$/

/** The first Debian mirror that is configured below the folder (/etc/apt). */
export function findDebianSource(folder = '/etc/apt'): DebianSource {
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
  throw new Error(
    `${folder} configures no Debian mirror, from which a kernel of Debian unstable could be downloaded.`,
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
    // A value goes on in the lines below that begin with a blank: a key can stand in Signed-By itself.
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

/** A file in apt's deb822 format. */
export function unstableSource({ uri, signedBy }: DebianSource): string {
  const lines = [
    'Types: deb',
    `URIs: ${uri}`,
    'Suites: sid',
    'Components: main',
    // The release files of unstable expire after a week, and mirrors that lag behind exist. An expired
    // file is still signed: apt goes on checking the signature, with the keys below.
    'Check-Valid-Until: no',
    // A key itself begins on a line of its own.
    ...(signedBy === undefined
      ? []
      : [`Signed-By:${signedBy.includes('\n') ? '\n' : ''} ${signedBy}`]),
  ]
  return lines.join('\n') + '\n'
}
