/**
 * Debian packages, downloaded and unpacked without being installed. apt uses package lists of its own in a
 * temporary folder: this needs no root, and changes nothing in the system. apt checks the signatures.
 */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findDebianSource, sourceOf } from './debian-source'
import { vmError } from './errors'
import { pathOf, ProgramError, type Programs } from './programs'

/** `configured`: the package sources of this system; the others: a release of Debian. */
export type Archive = 'configured' | keyof typeof SUITES

const SUITES = {
  unstable: 'sid',
  'Debian 11': 'bullseye',
  'Debian 12': 'bookworm',
  'Debian 13': 'trixie',
} as const

export class Apt {
  private constructor(
    private readonly archive: Archive,
    private readonly folder: string,
    private readonly options: readonly string[],
    private readonly programs: Programs,
  ) {}

  /**
   * Reads the package lists of an archive, and deletes them when `use` has ended. `architecture`: as
   * Debian names it, such as arm64; default: that of this machine.
   */
  static async with<T>(
    archive: Archive,
    programs: Programs,
    use: (apt: Apt) => Promise<T>,
    architecture?: string,
  ): Promise<T> {
    for (const name of ['apt-get', 'apt-cache', 'dpkg']) {
      if (pathOf(name) === undefined) {
        throw vmError(
          `${name} is missing, with which Debian's kernels are downloaded. Use a kernel of this machine: ` +
            "{ image: '/boot/vmlinuz-RELEASE', modules: '/lib/modules/RELEASE' }.",
        )
      }
    }
    const folder = mkdtempSync(join(tmpdir(), 'node-kmod-apt-'))
    try {
      for (const name of ['lists/partial', 'archives/partial', 'packages']) {
        mkdirSync(join(folder, name), { recursive: true })
      }
      let sources: string | undefined
      if (archive !== 'configured') {
        sources = join(folder, 'debian.sources')
        writeFileSync(sources, sourceOf(findDebianSource(), SUITES[archive]))
      }
      const apt = new Apt(archive, folder, aptOptions(folder, sources, architecture), programs)
      await apt.#run('apt-get', ['update', '-q'])
      return await use(apt)
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  }

  /** The names of all packages that match the pattern. */
  async search(pattern: string): Promise<string[]> {
    const found = await this.#run('apt-cache', ['search', '--names-only', pattern])
    const names = found.split('\n').flatMap((line) => line.split(' - ', 1))
    return [...new Set(names.filter((name) => name !== ''))]
  }

  /** The version of a package, and the names of the packages that it depends on. */
  async show(name: string): Promise<{ version: string; depends: string[] }> {
    const record = await this.#run('apt-cache', ['show', '--no-all-versions', name])
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
  async withDependencies(names: readonly string[]): Promise<string[]> {
    const plan = await this.#run('apt-get', [
      ...(['install', '--simulate', '--no-install-recommends'] as const),
      ...['-o', 'Dir::State::status=/dev/null', ...names],
    ])
    return [...plan.matchAll(/^Inst (\S+)/gm)].map(([, name]) => name!)
  }

  /** Downloads the packages and unpacks them into one folder. */
  async unpack(names: readonly string[], folder: string): Promise<void> {
    const archives = join(this.folder, 'packages')
    await this.#run('apt-get', ['download', ...names], archives)
    for (const file of readdirSync(archives)) {
      await this.programs.output('dpkg', ['-x', join(archives, file), folder])
      rmSync(join(archives, file))
    }
  }

  async #run(
    command: string,
    [verb, ...args]: [string, ...string[]],
    cwd?: string,
  ): Promise<string> {
    try {
      return await this.programs.text(command, [...this.options, verb, ...args], { cwd })
    } catch (error) {
      if (!(error instanceof ProgramError)) throw error
      throw vmError(
        describeFailure([command, verb, ...args].join(' '), this.archive, error),
        '',
        error,
      )
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
  { output: printed }: ProgramError,
): string {
  const errors = [...printed.matchAll(/^E: (.*)$/gm)].map(([, message]) => message)
  const where =
    archive === 'configured'
      ? 'the package sources of /etc/apt; try `apt-get update`'
      : `${archive === 'unstable' ? 'Debian unstable' : archive}, at the mirror that /etc/apt names`
  return `\`${what}\` failed for ${where}: ${errors.join(' ') || printed.trim()}`
}
