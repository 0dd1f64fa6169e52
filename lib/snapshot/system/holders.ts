/** The processes that have something open, with the systemd unit that each belongs to. */
import type { Holder } from '../../kernel/snapshot'
import type { RawHolder, RawSurvey } from './raw-survey'

export class Holders {
  readonly #own: ReadonlySet<string | null>

  constructor({ ownCgroups }: Pick<RawSurvey, 'ownCgroups'>) {
    this.#own = new Set(ownCgroups.map(parseUnit))
  }

  holder({ pid, comm, self, ancestor, cgroups }: RawHolder): Holder {
    const unit = parseUnit(cgroups)
    return { pid, comm, self, ancestor, unit, ownUnit: unit !== null && this.#own.has(unit) }
  }
}

/**
 * The unit of the system's own service manager, from the text of /proc/PID/cgroup: rows
 * `0::/system.slice/ssh.service`, with older versions `1:name=systemd:/system.slice/ssh.service`.
 */
export function parseUnit(cgroups: string): string | null {
  const paths = cgroups.split('\n').map((row) => /^\d*:([^:]*):(.*)$/.exec(row))
  const found =
    paths.find((path) => path?.[1] === 'name=systemd') ?? paths.find((path) => path?.[1] === '')
  return unitIn(found?.[2] ?? '')
}

/**
 * The first folder below the slices. What lies below belongs to the unit, for example to the service
 * manager of a user or of a container. A process outside of this cgroup namespace has a path with
 * `..`, and no unit that a program here could stop. Source: cg_path_get_unit() in systemd's
 * src/basic/cgroup-util.c.
 */
function unitIn(path: string): string | null {
  const folder = path.split('/').find((name) => name !== '' && !name.endsWith('.slice')) ?? ''
  // systemd puts an underscore in front of a name that the kernel would take for its own.
  const name = folder.replace(/^_/, '')
  return /.\.(service|scope)$/.test(name) ? name : null
}
