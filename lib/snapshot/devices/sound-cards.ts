/** The sound cards, and the processes that play or record on them. */
import { normalize } from '../../contract/names'
import type { SoundCard } from '../../kernel/snapshot'
import type { Sources } from '../system/sources'
import type { Sysfs } from '../system/sysfs'

export async function readSoundCards({ sysfs }: Sources): Promise<SoundCard[]> {
  const [cards, modules] = await Promise.all([
    sysfs.text('/proc/asound/cards'),
    sysfs.text('/proc/asound/modules'),
  ])
  const moduleOf = parseModules(modules ?? '')
  const found = await Promise.all(
    parseCards(cards ?? '').map(async ({ index, id }) => {
      const [pids, module] = await Promise.all([
        readOwners(index, sysfs),
        moduleOf.get(index) ?? nearestDriver(index, sysfs),
      ])
      return module === null ? [] : [{ index, id, pids, modules: [module] }]
    }),
  )
  return found.flat()
}

/**
 * Rows " 0 [PCH            ]: DRIVER - NAME", each followed by a row with a description. Source:
 * snd_card_info_read() in sound/core/init.c.
 */
export function parseCards(text: string): { index: number; id: string }[] {
  return text.split('\n').flatMap((row) => {
    const [, index, id] = /^\s*(\d+) \[([^\]]*)\]:/.exec(row) ?? []
    return id === undefined ? [] : [{ index: Number(index), id: id.trim() }]
  })
}

/** Rows " 0 MODULE". Source: snd_card_module_info_read() in sound/core/init.c. */
function parseModules(text: string): Map<number, string> {
  return new Map(
    text.split('\n').flatMap((row) => {
      const [, index, module] = /^\s*(\d+) (\S+)$/.exec(row) ?? []
      return module === undefined ? [] : [[Number(index), normalize(module)] as const]
    }),
  )
}

async function nearestDriver(index: number, sysfs: Sysfs): Promise<string | null> {
  const folder = await sysfs.link(`/sys/class/sound/card${index}`)
  if (folder === null) return null
  const [driver] = await sysfs.drivers(folder)
  return driver?.module ?? null
}

/** The processes that have a substream open. Source: snd_pcm_substream_proc_status_read(). */
async function readOwners(index: number, sysfs: Sysfs): Promise<number[]> {
  const card = `/proc/asound/card${index}`
  const streams = (await sysfs.list(card)).filter((name) => /^pcm\d+[pc]$/.test(name))
  const substreams = await Promise.all(
    streams.map(async (stream) =>
      (await sysfs.list(`${card}/${stream}`))
        .filter((name) => /^sub\d+$/.test(name))
        .map((name) => `${card}/${stream}/${name}/status`),
    ),
  )
  const texts = await Promise.all(substreams.flat().map((path) => sysfs.text(path)))
  const owners = texts.flatMap((text) => /^owner_pid\s*:\s*(\d+)$/m.exec(text ?? '')?.[1] ?? [])
  return [...new Set(owners.map(Number))]
}
