/** The mount tables of a captured system, one for each mount namespace. */
import { posix } from 'node:path'
import type { SystemFiles } from '../kernel/system-files'
import type { RawMountTable, RawSurvey } from '../snapshot/system/raw-survey'

type Mounts = Pick<RawSurvey, 'mountTables' | 'unreadable'>

/** Processes are in one namespace if /proc/PID/ns/mnt is the same, or else if their mounts are. */
export async function capturedMounts(files: SystemFiles, pids: readonly number[]): Promise<Mounts> {
  const self = await findSelf(files)
  const folders = new Map(pids.map((pid) => [pid, `/proc/${pid}`]))
  if (self !== null) folders.set(self, '/proc/self')
  // The first process of a namespace stands for it: the capturing one and process 1 come before others.
  const order = [...new Set([...(self === null ? [] : [self]), 1, ...pids])]
  const captured = order.filter((pid) => folders.has(pid))
  const places = captured.map((pid) => folders.get(pid)!)
  const [texts, namespaces] = await Promise.all([
    files.readTexts(places.map((place) => `${place}/mountinfo`)),
    files.readLinks(places.map((place) => `${place}/ns/mnt`)),
  ])
  const tables = new Map<string, RawMountTable>()
  captured.forEach((pid, i) => {
    const text = texts[i]
    if (text == null) return
    const key = namespaces[i] ?? text
    const table = tables.get(key) ?? { pid, own: false, first: false, text }
    tables.set(key, table)
    table.own ||= pid === self
    table.first ||= pid === 1
  })
  if (tables.size === 0) return plainMounts(files)
  return { mountTables: withOwnAndFirst([...tables.values()]), unreadable: [] }
}

/**
 * The own namespace is that of the capturing process. Where that process or process 1 was not
 * captured, another namespace is used instead, so that there is always one whose `/` is the root.
 */
function withOwnAndFirst(tables: RawMountTable[]): RawMountTable[] {
  const first = tables.find((table) => table.first)
  const own = tables.find((table) => table.own) ?? first ?? tables[0]!
  own.own = true
  if (first === undefined) own.first = true
  return tables
}

/** The process that captured the system; `null`: /proc/self was not captured. */
async function findSelf(files: SystemFiles): Promise<number | null> {
  const [[target], [stat, mountinfo]] = await Promise.all([
    files.readLinks(['/proc/self']),
    files.readTexts(['/proc/self/stat', '/proc/self/mountinfo']),
  ])
  if (mountinfo == null) return null
  const pid = Number.parseInt(target ?? stat ?? '', 10)
  return Number.isNaN(pid) ? 0 : pid
}

/** Reads /proc/mounts, an older file without device numbers. */
async function plainMounts(files: SystemFiles): Promise<Mounts> {
  const [text] = await files.readTexts(['/proc/mounts'])
  if (text == null) {
    return { mountTables: [], unreadable: ['mounts: no /proc/PID/mountinfo was captured'] }
  }
  const devices = [...new Set(text.split('\n').map((row) => row.split(' ', 1)[0]!))].filter(
    (source) => source.startsWith('/dev/'),
  )
  const numbers = await numbersOf(files, devices)
  const table = { pid: 1, own: true, first: true, text: toMountinfo(text, numbers) }
  const unknown = devices.filter((device) => !numbers.has(device))
  return {
    mountTables: [table],
    unreadable: unknown.map((device) => `what is below ${device}: its number was not captured`),
  }
}

/** The numbers of block devices by their paths, from /sys. */
async function numbersOf(
  files: SystemFiles,
  devices: readonly string[],
): Promise<Map<string, string>> {
  const names = await files.listNames(['/sys/class/block'])
  const mapped = (names[0] ?? []).filter((name) => name.startsWith('dm-'))
  const folders = [...devices.map((device) => posix.basename(device)), ...mapped]
  const [numbers, mappings] = await Promise.all([
    files.readTexts(folders.map((name) => `/sys/class/block/${name}/dev`)),
    files.readTexts(mapped.map((name) => `/sys/class/block/${name}/dm/name`)),
  ])
  const paths = [...devices, ...mappings.map((name) => `/dev/mapper/${name?.trim()}`)]
  return new Map(
    paths.flatMap((path, i) => {
      const number = numbers[i]?.trim()
      return number === undefined ? [] : [[path, number]]
    }),
  )
}

/**
 * Rows "SOURCE PATH TYPE OPTIONS 0 0" as lines of mountinfo. A device whose number is not known gets one
 * with major 0, which no disk has, so that several mounts of one device count as one file system. A mount is assumed to
 * be on the mount that its path led to when it was made.
 */
function toMountinfo(text: string, devices: ReadonlyMap<string, string>): string {
  const numbers = new Map<string, number>()
  const ids = new Map<string, number>()
  const below = (path: string): number => {
    for (let at = path; at !== '/' && at !== '.'; at = posix.dirname(at)) {
      const id = ids.get(at)
      if (id !== undefined) return id
    }
    return ids.get('/') ?? 0
  }
  return text
    .split('\n')
    .map((row, i) => {
      const [source, path, type, options] = row.split(' ')
      if (source === undefined || options === undefined) return ''
      const key = source.startsWith('/dev/') ? source : `${i}`
      const number = numbers.get(key) ?? numbers.size + 1
      numbers.set(key, number)
      const parent = below(path!)
      ids.set(path!, i + 1)
      const device = devices.get(source) ?? `0:${number}`
      return `${i + 1} ${parent} ${device} / ${path} ${options} - ${type} ${source} ${options}\n`
    })
    .join('')
}
