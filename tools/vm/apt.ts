/**
 * Debian packages, downloaded and unpacked without being installed. apt uses package lists and a cache
 * in our own cache folder: this needs no root, and changes nothing in the system.
 */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { cacheFolder } from './cache'
import { CommandError, output, text } from './command'
import { findDebianSource, unstableSource } from './debian-source'

/** `configured`: the package sources of this system; the others: a release of Debian. */
export type Archive = 'configured' | keyof typeof SUITES

const SUITES = { unstable: 'sid', 'Debian 11': 'bullseye', 'Debian 13': 'trixie' } as const

export class Apt {
  readonly #options: readonly string[]
  #isUpdated = false

  /** Downloaded packages, until they are unpacked. */
  readonly #packages: string

  /** `architecture`: as Debian names it, such as arm64; default: that of this system. */
  constructor(
    private readonly archive: Archive,
    architecture?: string,
  ) {
    const name = [archive, architecture].filter((part) => part !== undefined).join(' ')
    const state = cacheFolder('apt', name.replaceAll(' ', '-'))
    this.#packages = join(state, 'packages')
    for (const folder of ['lists/partial', 'archives/partial']) {
      mkdirSync(join(state, folder), { recursive: true })
    }
    let sources: string | undefined
    if (archive !== 'configured') {
      sources = join(state, 'unstable.sources')
      writeFileSync(sources, unstableSource(findDebianSource(), SUITES[archive]))
    }
    this.#options = aptOptions(state, sources, architecture)
  }

  /** The names of all packages that match the pattern. */
  search(pattern: string): string[] {
    this.#update()
    const found = this.#run('apt-cache', ['search', '--names-only', pattern])
    const names = found.split('\n').flatMap((line) => line.split(' - ', 1))
    return [...new Set(names.filter((name) => name !== ''))]
  }

  /** The version of a package, and the names of the packages that it depends on. */
  show(name: string): { version: string; depends: string[] } {
    this.#update()
    const record = this.#run('apt-cache', ['show', '--no-all-versions', name])
    const field = (key: string): string => new RegExp(`^${key}: (.*)$`, 'm').exec(record)?.[1] ?? ''
    return {
      version: field('Version'),
      depends: field('Depends')
        .split(/,\s*/)
        .map((dependency) => dependency.split(/[ :(|]/)[0]!)
        .filter((dependency) => dependency !== ''),
    }
  }

  /** The packages, and all packages that they depend on, as if nothing were installed. */
  withDependencies(names: readonly string[]): string[] {
    this.#update()
    const plan = this.#run('apt-get', [
      ...(['install', '--simulate', '--no-install-recommends'] as const),
      ...['-o', 'Dir::State::status=/dev/null', ...names],
    ])
    return [...plan.matchAll(/^Inst (\S+)/gm)].map(([, name]) => name!)
  }

  /** Downloads the packages and unpacks them into one folder. */
  unpack(names: readonly string[], folder: string): void {
    this.#update()
    mkdirSync(this.#packages, { recursive: true })
    const files = mkdtempSync(join(this.#packages, 'download.'))
    try {
      this.#run('apt-get', ['download', ...names], files)
      for (const file of readdirSync(files)) output('dpkg', ['-x', join(files, file), folder])
    } finally {
      rmSync(files, { recursive: true, force: true })
    }
  }

  #update(): void {
    if (this.#isUpdated) return
    this.#run('apt-get', ['update', '-q'])
    this.#isUpdated = true
  }

  #run(command: string, [verb, ...args]: [string, ...string[]], cwd?: string): string {
    try {
      return text(command, [...this.#options, verb, ...args], { from: 'apt', cwd })
    } catch (error) {
      if (!(error instanceof CommandError)) throw error
      const what = [command, verb, ...args].join(' ')
      throw new Error(describeFailure(what, this.archive, error), { cause: error })
    }
  }
}

/** For every apt command. `sources`: the only file with package sources; default: the system's. */
export function aptOptions(state: string, sources?: string, architecture?: string): string[] {
  const settings: Record<string, string> = {
    'Dir::State::lists': join(state, 'lists'),
    'Dir::Cache': state,
    // If root runs apt, it downloads as the user _apt, who cannot write below root's home.
    'APT::Sandbox::User': '',
    'APT::Update::Post-Invoke-Success': '',
    'Acquire::Languages': 'none',
    ...(sources !== undefined && {
      'Dir::Etc::sourcelist': sources,
      'Dir::Etc::sourceparts': '-',
      // What is installed here says nothing about another release: a newer version would be preferred.
      'Dir::State::status': '/dev/null',
    }),
    ...(architecture !== undefined && {
      'APT::Architecture': architecture,
      'APT::Architectures': architecture,
    }),
  }
  return Object.entries(settings).flatMap(([key, value]) => ['-o', `${key}=${value}`])
}

/** apt's own errors in one line, with the package sources that may be the cause. */
function describeFailure(
  what: string,
  archive: Archive,
  { output: printed }: CommandError,
): string {
  const errors = [...printed.matchAll(/^E: (.*)$/gm)].map(([, message]) => message)
  const where =
    archive === 'configured'
      ? 'the package sources of /etc/apt; try `apt-get update`'
      : `${archive === 'unstable' ? 'Debian unstable' : archive}, at the mirror that /etc/apt names`
  return `${what} failed for ${where}: ${errors.join(' ') || printed.trim()}`
}
