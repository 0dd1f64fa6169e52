/** Surveys and snapshots of a captured system, with a module index that only has aliases. */
import { capturedFiles, type CapturedFiles } from '../../lib/captured/captured-files'
import { capturedSurvey } from '../../lib/captured/captured-survey'
import { RootView } from '../../lib/captured/root-view'
import type { ModuleIndex } from '../../lib/kernel/module-index'
import type { Snapshot } from '../../lib/kernel/snapshot'
import { host } from './live'
import { buildSnapshot } from '../../lib/snapshot/build'
import type { RawSurvey } from '../../lib/snapshot/system/raw-survey'
import type { CapturedSystem } from './captured-system'

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
