/**
 * Debian packages, downloaded and unpacked without installing them. apt works on lists and a cache of
 * its own here, so neither root nor an updated system is needed.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { cacheFolder } from './cache'
import { output, text } from './command'

export type Archive = 'configured' | 'unstable'

export class Apt {
  readonly #options: string[]
  #updated = false

  constructor(private readonly archive: Archive) {
    const state = cacheFolder('apt', archive)
    for (const folder of ['lists/partial', 'archives/partial']) {
      mkdirSync(join(state, folder), { recursive: true })
    }
    const settings: Record<string, string> = {
      'Dir::State::lists': join(state, 'lists'),
      'Dir::Cache': state,
      // apt gives up root for downloads where it can; it cannot read a folder of root's then.
      'APT::Sandbox::User': '',
      'APT::Update::Post-Invoke-Success': '',
      ...(archive === 'unstable' && {
        'Dir::Etc::sourcelist': writeUnstableSource(state),
        'Dir::Etc::sourceparts': '-',
      }),
    }
    this.#options = Object.entries(settings).flatMap(([key, value]) => ['-o', `${key}=${value}`])
  }

  /** The names that match, each once. */
  search(pattern: string): string[] {
    this.#update()
    const found = this.#cache('search', '--names-only', pattern)
    return [...new Set(found.split('\n').flatMap((line) => line.split(' - ')[0] || []))]
  }

  /** A package's version; its dependencies by name. */
  show(name: string): { version: string; depends: string[] } {
    this.#update()
    const record = this.#cache('show', '--no-all-versions', name)
    const field = (key: string): string => new RegExp(`^${key}: (.*)$`, 'm').exec(record)?.[1] ?? ''
    return {
      version: field('Version'),
      depends: field('Depends')
        .split(/,\s*/)
        .map((dependency) => dependency.split(/[ :(|]/)[0]!)
        .filter((dependency) => dependency !== ''),
    }
  }

  /** Downloads the packages and unpacks them into one folder. */
  unpack(names: readonly string[], folder: string): void {
    this.#update()
    const archives = cacheFolder('apt', this.archive, 'packages')
    for (const name of names) {
      text('apt-get', [...this.#options, 'download', name], { cwd: archives, from: 'apt' })
      const files = readdirSync(archives).filter((file) => file.startsWith(`${name}_`))
      for (const file of files) output('dpkg', ['-x', join(archives, file), folder])
      for (const file of files) output('rm', [join(archives, file)])
    }
  }

  #update(): void {
    if (this.#updated) return
    text('apt-get', [...this.#options, 'update', '-q'], { from: 'apt' })
    this.#updated = true
  }

  #cache(...args: string[]): string {
    return text('apt-cache', [...this.#options, ...args], { from: 'apt' })
  }
}

/** A source for Debian unstable at the mirror, and with the key, of the configured Debian source. */
function writeUnstableSource(folder: string): string {
  const { uri, signedBy } = findDebianSource()
  const file = join(folder, 'unstable.sources')
  const lines = ['Types: deb', `URIs: ${uri}`, 'Suites: sid', 'Components: main']
  if (signedBy !== undefined) lines.push(`Signed-By: ${signedBy}`)
  writeFileSync(file, lines.join('\n') + '\n')
  return file
}

function findDebianSource(): { uri: string; signedBy: string | undefined } {
  const etc = '/etc/apt'
  const parts = join(etc, 'sources.list.d')
  const files = existsSync(parts) ? readdirSync(parts).map((name) => join(parts, name)) : []
  for (const file of [join(etc, 'sources.list'), ...files].filter((path) => existsSync(path))) {
    const source = file.endsWith('.sources')
      ? fromDeb822(readFileSync(file, 'utf8'))
      : file.endsWith('.list')
        ? fromOneLine(readFileSync(file, 'utf8'))
        : undefined
    if (source !== undefined) return source
  }
  throw new Error(
    'No source of Debian is configured in /etc/apt, so none for unstable can be derived.',
  )
}

type Source = ReturnType<typeof findDebianSource>

/** An archive that holds Debian itself: its path ends in /debian. */
const DEBIAN = /^\S+\/debian\/?$/

function fromDeb822(content: string): Source | undefined {
  for (const stanza of content.split(/\n\s*\n/)) {
    const field = (key: string): string | undefined =>
      new RegExp(`^${key}:\\s*(.*)$`, 'mi').exec(stanza)?.[1]?.trim()
    const uri = field('URIs')
      ?.split(/\s+/)
      .find((one) => DEBIAN.test(one))
    if (uri !== undefined) return { uri, signedBy: field('Signed-By') }
  }
  return undefined
}

function fromOneLine(content: string): Source | undefined {
  for (const line of content.split('\n')) {
    const [, options = '', uri] = /^deb\s+(?:\[([^\]]*)\]\s+)?(\S+)\s/.exec(line) ?? []
    if (uri === undefined || !DEBIAN.test(uri)) continue
    return { uri, signedBy: /signed-by=(\S+)/.exec(options)?.[1] }
  }
  return undefined
}
