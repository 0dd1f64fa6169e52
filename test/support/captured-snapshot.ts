/** What runs on the modules of a captured system, with an index that only looks aliases up. */
import type { ModuleIndex } from '../../lib/kernel/module-index'
import type { Snapshot } from '../../lib/kernel/snapshot'
import { RootView } from '../../lib/captured/root-view'
import { buildSnapshot } from '../../lib/snapshot/build'
import { capturedFiles } from '../../lib/captured/captured-files'
import { capturedSurvey } from '../../lib/captured/captured-survey'
import type { CapturedSystem } from './captured-system'

type Aliases = Readonly<Record<string, string>>

/** A `*` at the end of an alias stands for anything. */
function aliasIndex(aliases: Aliases): ModuleIndex {
  const never = (): never => {
    throw new Error('not asked for here')
  }
  const find = (alias: string): string[] =>
    Object.entries(aliases).flatMap(([pattern, module]) => {
      const prefix = pattern.replace(/\*$/, '')
      return alias === pattern || (prefix !== pattern && alias.startsWith(prefix)) ? [module] : []
    })
  return {
    find: never,
    policies: never,
    needs: never,
    describe: never,
    describeFile: never,
    lookup: (asked) => Promise.resolve(asked.map(find)),
  }
}

export async function snapshotOf(
  system: CapturedSystem,
  aliases: Aliases = {},
  users = true,
): Promise<Snapshot> {
  const files = capturedFiles(new RootView(system.root))
  return buildSnapshot(await capturedSurvey(files, users), files, aliasIndex(aliases), { users })
}
