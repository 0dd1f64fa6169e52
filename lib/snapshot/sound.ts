import type { NamedUse } from '../kernel/snapshot'
import { normalize } from '../contract/names'
import type { Sources } from './system/sources'
import type { Sysfs } from './system/sysfs'

/**
 * The sound cards. A card takes no reference of its module; who has one of its devices open does, and
 * is a user of its own. Source: snd_card_info_read() in sound/core/init.c.
 */
export async function readSound({ sysfs }: Sources): Promise<NamedUse[]> {
  const [cards, modules] = await Promise.all([
    sysfs.text('/proc/asound/cards'),
    sysfs.text('/proc/asound/modules'),
  ])
  const named = parseModules(modules ?? '')
  const found = await Promise.all(
    parseCards(cards ?? '').map(async ({ index, id }) => {
      const [owners, driver] = await Promise.all([
        openBy(index, sysfs),
        named.get(index) ?? nearestDriver(index, sysfs),
      ])
      return driver === null ? [] : [toUse(index, id, driver, owners)]
    }),
  )
  return found.flat()
}

function toUse(index: number, id: string, module: string, owners: readonly number[]): NamedUse {
  const name = `card${index} (${id})`
  const processes = owners.join(', ')
  return {
    kind: 'sound',
    name,
    value: owners.length === 0 ? 'idle' : `open by ${processes}`,
    modules: [module],
    references: 0,
    release: {
      text:
        owners.length === 0
          ? `the sound card ${name} goes with its driver`
          : `end what plays or records on the sound card ${name}: process ${processes}`,
      command: null,
    },
  }
}

/** Rows " 0 [PCH            ]: DRIVER - NAME", each with one more below that is no such row. */
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
async function openBy(index: number, sysfs: Sysfs): Promise<number[]> {
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
