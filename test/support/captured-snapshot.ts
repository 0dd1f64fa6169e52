/** Surveys and snapshots of a captured system, with a module index that only has aliases. */
import { capturedFiles, type CapturedFiles } from '../../lib/captured/captured-files'
import { capturedSurvey } from '../../lib/captured/captured-survey'
import { RootView } from '../../lib/captured/root-view'
import type { User } from '../../lib/contract/types'
import { findUsers } from '../../lib/explain/users'
import { effectsOf } from '../../lib/guard/effects'
import type { ModuleIndex } from '../../lib/kernel/module-index'
import type { Snapshot } from '../../lib/kernel/snapshot'
import { host } from './live'
import { buildSnapshot } from '../../lib/snapshot/build'
import type { RawSurvey } from '../../lib/snapshot/system/raw-survey'
import type { CapturedSystem } from './captured-system'
import { LAPTOP_ALIASES } from './laptop'
import { loaded } from './snapshots'

export type AliasTable = Readonly<Record<string, string>>

/** An index that only resolves aliases. A `*` at the end of an alias matches any text. */
export function aliasIndex(aliases: AliasTable): ModuleIndex {
  const unexpected = (): never => {
    throw new Error('a snapshot asks the index for aliases only')
  }
  const find = (alias: string): string[] =>
    Object.entries(aliases).flatMap(([pattern, module]) => {
      const prefix = pattern.replace(/\*$/, '')
      return alias === pattern || (prefix !== pattern && alias.startsWith(prefix)) ? [module] : []
    })
  return {
    find: unexpected,
    policies: unexpected,
    needs: unexpected,
    describe: unexpected,
    describeFile: unexpected,
    lookup: (asked) => Promise.resolve(asked.map(find)),
  }
}

export function filesOf(system: CapturedSystem): CapturedFiles {
  return capturedFiles(new RootView(system.root), host.files)
}

export function surveyOf(system: CapturedSystem, users = true): Promise<RawSurvey> {
  return capturedSurvey(filesOf(system), users)
}

export async function snapshotOf(
  system: CapturedSystem,
  aliases: AliasTable = {},
  users = true,
): Promise<Snapshot> {
  return buildSnapshot(await surveyOf(system, users), filesOf(system), aliasIndex(aliases))
}

/** Builds snapshots of a captured system, and records the aliases that each question asks for. */
export class SnapshotBuilder {
  readonly lookups: string[][] = []

  constructor(private readonly system: CapturedSystem) {}

  build(raw: RawSurvey, index = this.index()): Promise<Snapshot> {
    return buildSnapshot(raw, filesOf(this.system), index)
  }

  index(aliases: AliasTable = LAPTOP_ALIASES): ModuleIndex {
    const plain = aliasIndex(aliases)
    return {
      ...plain,
      lookup: (asked) => {
        this.lookups.push([...asked])
        return plain.lookup(asked)
      },
    }
  }
}

/** The users of one kind that a module has. */
export function usersOf<Kind extends User['kind']>(
  snapshot: Snapshot,
  module: string,
  kind: Kind,
): (User & { kind: Kind })[] {
  return findUsers(loaded(module), snapshot).filter(
    (user): user is User & { kind: Kind } => user.kind === kind,
  )
}

/** "kind:subject" of each effect on a module. */
export function effectsOn(snapshot: Snapshot, module: string): string[] {
  return (effectsOf(snapshot).get(module) ?? []).map(({ kind, subject }) => `${kind}:${subject}`)
}
