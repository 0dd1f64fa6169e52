import type { SystemFiles } from '../kernel/system-files'
import type { RawSurvey } from '../snapshot/system/raw'

type Table = RawSurvey['mountTables'][number]
type Mounts = Pick<RawSurvey, 'mountTables' | 'unreadable'>

/** The mounts of each namespace, told apart by /proc/PID/ns/mnt, or else by what is mounted. */
export async function capturedMounts(files: SystemFiles, pids: readonly number[]): Promise<Mounts> {
  const self = await findSelf(files)
  const folders = new Map(pids.map((pid) => [pid, `/proc/${pid}`]))
  if (self !== null) folders.set(self, '/proc/self')
  // Whoever comes first stands for the namespace.
  const order = [...new Set([...(self === null ? [] : [self]), 1, ...pids])]
  const there = order.filter((pid) => folders.has(pid))
  const places = there.map((pid) => folders.get(pid)!)
  const [texts, namespaces] = await Promise.all([
    files.readFiles(places.map((place) => `${place}/mountinfo`)),
    files.readLinks(places.map((place) => `${place}/ns/mnt`)),
  ])
  const tables = new Map<string, Table>()
  there.forEach((pid, i) => {
    const text = texts[i]
    if (text == null) return
    const key = namespaces[i] ?? text
    const table = tables.get(key) ?? { pid, own: false, first: false, text }
    tables.set(key, table)
    table.own ||= pid === self
    table.first ||= pid === 1
  })
  if (tables.size === 0) return plainMounts(files)
  return { mountTables: named([...tables.values()]), unreadable: [] }
}

/** The system itself is what the capturing process or the first one saw, or whoever there is. */
function named(tables: Table[]): Table[] {
  const first = tables.find((table) => table.first)
  const own = tables.find((table) => table.own) ?? first ?? tables[0]!
  own.own = true
  if (first === undefined) own.first = true
  return tables
}

/** The process that captured; `null`: there is no trace of it. */
async function findSelf(files: SystemFiles): Promise<number | null> {
  const [[target], [stat, mountinfo]] = await Promise.all([
    files.readLinks(['/proc/self']),
    files.readFiles(['/proc/self/stat', '/proc/self/mountinfo']),
  ])
  if (mountinfo == null) return null
  const pid = Number.parseInt(target ?? stat ?? '', 10)
  return Number.isNaN(pid) ? 0 : pid
}

/** /proc/mounts, which is older and lacks the device numbers. */
async function plainMounts(files: SystemFiles): Promise<Mounts> {
  const [text] = await files.readFiles(['/proc/mounts'])
  if (text == null) {
    return { mountTables: [], unreadable: ['mounts: no /proc/PID/mountinfo was captured'] }
  }
  const table = { pid: 1, own: true, first: true, text: toMountinfo(text) }
  return { mountTables: [table], unreadable: [] }
}

/**
 * From rows "SOURCE PATH TYPE OPTIONS 0 0". Numbers that are no device's tell the file systems apart:
 * whatever lies on the same device is one.
 */
function toMountinfo(text: string): string {
  const numbers = new Map<string, number>()
  return text
    .split('\n')
    .map((row, i) => {
      const [source, path, type, options] = row.split(' ')
      if (source === undefined || options === undefined) return ''
      const key = source.startsWith('/dev/') ? source : `${i}`
      const number = numbers.get(key) ?? numbers.size + 1
      numbers.set(key, number)
      return `0 0 0:${number} / ${path} ${options} - ${type} ${source} ${options}\n`
    })
    .join('')
}
