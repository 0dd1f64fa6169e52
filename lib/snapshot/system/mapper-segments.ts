/** The modules that provide the segments of a device of device-mapper. */
import type { Aliases } from './aliases'
import { raidModules } from './disk-modules'
import type { RawMapping, RawSegment } from './raw-survey'

/** Types of dm_mod itself. Source: dm-linear.c, dm-stripe.c in drivers/md. */
const OWN_TYPES = new Set(['linear', 'striped'])

/**
 * Each segment takes a reference to the module of its type; `error`, which is part of dm_mod, has no
 * owner. Source: dm_get_target_type() in drivers/md/dm-target.c.
 */
export async function segmentsOf(
  { segments }: RawMapping,
  aliases: Aliases,
): Promise<{ module: string; count: number }[]> {
  const counts = new Map<string, number>()
  const modules = await Promise.all(segments.map((segment) => modulesOf(segment, aliases)))
  for (const module of modules.flat()) counts.set(module, (counts.get(module) ?? 0) + 1)
  return [...counts].map(([module, count]) => ({ module, count }))
}

async function modulesOf({ type, status }: RawSegment, aliases: Aliases): Promise<string[]> {
  if (type === 'error') return []
  if (OWN_TYPES.has(type)) return ['dm_mod']
  return [...(await ofType(type, aliases)), ...(await ofParts(type, status, aliases))]
}

/** Source: load_module() in drivers/md/dm-target.c. A thin device exists only beside its pool. */
async function ofType(type: string, aliases: Aliases): Promise<string[]> {
  if (type === 'thin' || type === 'thin-pool') return ['dm_thin_pool']
  const found = await aliases.ofFirst([`dm-${type}`])
  return found.length > 0 ? found : [`dm_${type.replaceAll('-', '_')}`]
}

/**
 * A mirror also uses a type of log, "MIRRORS DEVICE... SYNCED/TOTAL 1 HEALTH ARGUMENTS LOG", and dm-raid
 * a level of md, "LEVEL DEVICES HEALTH ...". Source: dm_dirty_log_create() in drivers/md/dm-log.c,
 * raid_status() in drivers/md/dm-raid.c.
 */
async function ofParts(type: string, status: string, aliases: Aliases): Promise<string[]> {
  const words = status.split(' ')
  if (type === 'raid') return raidModules(words[0]!.replace(/_.*$/, ''))
  if (type !== 'mirror') return []
  const log = words[Number(words[0]) + 5]
  if (log === undefined) return []
  return log === 'core' || log === 'disk' ? ['dm_log'] : aliases.ofFirst([`dm-log-${log}`])
}
