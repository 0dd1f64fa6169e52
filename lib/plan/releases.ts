/**
 * Which users a plan releases before it removes modules, and in which order.
 *
 * Each round asks which users could be released now, takes them out of the snapshot, and asks again: a
 * block device can be detached only when nothing is mounted from it any more.
 */
import type {
  AppliedPlanOptions,
  Effect,
  EffectKind,
  LoadedModule,
  ReleaseKind,
  UnloadStep,
  User,
} from '../contract/types'
import { folderProcessUser } from '../explain/folder-process'
import { identityOf } from '../explain/identity'
import { undoOf } from '../explain/undo'
import { findUsers } from '../explain/users'
import { effectsOf } from '../guard/effects'
import { isBelow, releasableMounts } from '../kernel/folder-processes'
import { inNamespace } from '../kernel/net-namespace'
import type { Kernel } from '../kernel/kernel'
import type { Snapshot } from '../kernel/snapshot'
import { isRefused } from './effects'
import { isProtected } from './protected-users'
import { compareReleases, requiredFirst } from './release-order'
import { without } from './without'

type ReleaseStep = UnloadStep & { action: 'release' }

/** What a plan with releases knows about the modules that must be removed. */
export interface Releases {
  steps: ReleaseStep[]
  /** The users that are left of a module, without modules. */
  usersLeft(module: string): User[]
  /** How many references of a module the released users hold; `isSure`: all of them are known. */
  freed(module: string): { count: number; isSure: boolean }
  /** Whether a released user accepts the effect. */
  accepts(effect: Effect): boolean
}

export const NO_RELEASES: Releases = {
  steps: [],
  usersLeft: () => [],
  freed: () => ({ count: 0, isSure: true }),
  accepts: () => false,
}

/** The effects that a release accepts for its user. */
const CONSENT: Record<ReleaseKind, EffectKind> = {
  mount: 'filesystem',
  swap: 'swap',
  interface: 'interface',
  block: 'storage',
  device: 'storage',
  service: 'virtual-machine',
  process: 'virtual-machine',
}

/** The processes that must end before mounts can be released, as far as the plan may end them. */
export async function usersOfMounts(
  kernel: Kernel,
  { mounts }: Snapshot,
  { release }: AppliedPlanOptions,
): Promise<User[]> {
  const mayEnd = release.includes('process') || release.includes('service')
  if (!mayEnd || !release.includes('mount')) return []
  const own = releasableMounts(mounts)
  const processes = await kernel.processesBelow(own.map(({ path }) => path))
  return processes.map((process) => {
    const mount = own.find(({ path }) => isBelow(process.path, path))
    return folderProcessUser(mount?.modules[0] ?? '', process)
  })
}

/**
 * `required`: the modules that must be removed. `before`: what runs on all modules, with users.
 * `processes`: those that use mounts.
 */
export async function planReleases(
  kernel: Kernel,
  table: readonly LoadedModule[],
  required: ReadonlySet<string>,
  before: Snapshot,
  processes: readonly User[],
  options: AppliedPlanOptions,
): Promise<Releases> {
  const isAllowed = ({ release: { kind } }: User): boolean =>
    kind !== null && options.release.includes(kind)
  const usersIn = (snapshot: Snapshot): User[] =>
    table.flatMap((row) => findUsers(row, snapshot)).filter(({ kind }) => kind !== 'module')
  const first = usersIn(before)
  const steps = new Map<string, ReleaseStep>()
  const released: User[] = []
  let now = before
  for (;;) {
    const users = [...processes, ...usersIn(now)].filter(
      (user) => isAllowed(user) && !isProtected(user, now),
    )
    const refused = refusedEffects(required, now, options)
    const isWanted = (user: User): boolean =>
      (required.has(user.module) && user.references !== 0) ||
      refused.some((effect) => accepts(user, effect))
    const wanted = requiredFirst(users, users.filter(isWanted), now)
    const next = wanted
      .filter(({ release: { command } }) => command !== null && !steps.has(command.join('\0')))
      .sort((one, other) => compareReleases(one, other, now))
    if (next.length === 0) break
    for (const user of next) {
      const command = user.release.command!
      released.push(user)
      if (steps.has(command.join('\0'))) continue
      const undo = await undoOf(kernel, user, now)
      steps.set(command.join('\0'), {
        action: 'release',
        module: user.module,
        reason: 'user',
        user,
        command,
        undo,
      })
    }
    now = without(now, next)
  }
  const left = usersIn(now)
  const keys = new Set(left.map((user) => `${user.module} ${identityOf(user)}`))
  const isGone = (user: User): boolean => !keys.has(`${user.module} ${identityOf(user)}`)
  const accepted = new Set(
    [...effectsOf(before).values()]
      .flat()
      .filter((effect) => released.some((user) => accepts(user, effect)))
      .map(keyOf),
  )
  const ofModule = (users: readonly User[], module: string): User[] =>
    users.filter((user) => user.module === module)
  return {
    steps: [...steps.values()],
    usersLeft: (module) => ofModule(left, module),
    freed: (module): ReturnType<Releases['freed']> => {
      const known = (users: readonly User[]): number =>
        ofModule(users, module).reduce((sum, { references }) => sum + (references ?? 0), 0)
      const count = Math.max(0, known(first) - known(left))
      const isSure = ofModule(first, module).every(
        (user) => user.references !== null || !isGone(user),
      )
      return { count, isSure }
    },
    accepts: (effect) => accepted.has(keyOf(effect)),
  }
}

/** The effects for which the guard would refuse a required module. */
function refusedEffects(
  required: ReadonlySet<string>,
  snapshot: Snapshot,
  options: AppliedPlanOptions,
): Effect[] {
  const effects = effectsOf(snapshot)
  return [...required].flatMap((module) =>
    (effects.get(module) ?? []).filter((effect) => isRefused(effect, options)),
  )
}

/** Whether the effect is about this user, and its release accepts the effect. */
function accepts(user: User, { kind, subject, module }: Effect): boolean {
  const { kind: release } = user.release
  if (release === null || CONSENT[release] !== kind) return false
  switch (user.kind) {
    case 'mount':
    case 'swap':
    case 'block':
      return user.path === subject
    case 'interface':
      return inNamespace(user.netns, user.name) === subject
    case 'process':
      return String(user.pid) === subject
    case 'device':
      return user.module === module
    default:
      return false
  }
}

function keyOf({ kind, subject, module }: Effect): string {
  return JSON.stringify([kind, subject, module])
}
