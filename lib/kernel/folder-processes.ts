/** Which processes use the files below a folder, such as the place of a mount. */
import type { FolderProcess } from './kernel'
import type { Mount } from './snapshot'
import type { SystemFiles } from './system-files'

/** The mounts that a plan may release, and so the processes that use them. `/` is never released. */
export function releasableMounts(mounts: readonly Mount[]): Mount[] {
  return mounts.filter(({ own, path, modules }) => own && path !== '/' && modules.length > 0)
}

interface Stat {
  comm: string
  state: string
  parent: number
}

/**
 * Only processes in the mount namespace of this process: in another one, the same path can be another
 * file. What is found is the path as the kernel shows it; no file of another process is opened.
 */
export async function readFolderProcesses(
  files: SystemFiles,
  folders: readonly string[],
): Promise<FolderProcess[]> {
  if (folders.length === 0) return []
  const [names = []] = await files.listNames(['/proc'])
  const pids = names.filter((name) => /^\d+$/.test(name)).map(Number)
  const stats = await readStats(files, pids)
  const [own, ...spaces] = await files.readLinks([
    `/proc/${process.pid}/ns/mnt`,
    ...pids.map((pid) => `/proc/${pid}/ns/mnt`),
  ])
  const near = pids.filter((pid, i) => stats.has(pid) && spaces[i] !== null && spaces[i] === own)
  const descriptors = await files.listNames(near.map((pid) => `/proc/${pid}/fd`))
  const links = near.flatMap((pid, i) =>
    ['cwd', 'root', 'exe', ...descriptors[i]!.map((fd) => `fd/${fd}`)].map((name) => ({
      pid,
      name: `/proc/${pid}/${name}`,
    })),
  )
  const targets = await files.readLinks(links.map(({ name }) => name))
  const places = new Map<number, string>()
  targets.forEach((target, i) => {
    if (target === null || !folders.some((folder) => isBelow(target, folder))) return
    const { pid } = links[i]!
    if (!places.has(pid)) places.set(pid, target)
  })
  const found = [...places.keys()]
  const ancestors = chainOf(process.pid, stats)
  const units = await readUnits(files, [...found, ...ancestors])
  const ownUnits = new Set(ancestors.map((pid) => units.get(pid)))
  return found.map((pid) => {
    const unit = units.get(pid) ?? null
    return {
      pid,
      comm: stats.get(pid)!.comm,
      path: places.get(pid)!,
      // Whatever this process has started, and what it was started by, is not released.
      isOwn: chainOf(pid, stats).includes(process.pid) || ancestors.includes(pid) || pid === 1,
      unit: unit === null || ownUnits.has(unit) ? null : unit,
      isOfOwnUnit: unit !== null && ownUnits.has(unit),
    }
  })
}

/** Whether a process exists and has not ended. A zombie holds nothing any more. */
export async function readIsRunning(files: SystemFiles, pid: number): Promise<boolean> {
  const stat = (await readStats(files, [pid])).get(pid)
  return stat !== undefined && !['Z', 'X'].includes(stat.state)
}

async function readStats(files: SystemFiles, pids: readonly number[]): Promise<Map<number, Stat>> {
  const texts = await files.readTexts(pids.map((pid) => `/proc/${pid}/stat`))
  const stats = new Map<number, Stat>()
  texts.forEach((text, i) => {
    // The name is between the first and the last parenthesis, and can contain any characters.
    const [, comm, state, parent] = /^\d+ \((.*)\) (\S) (\d+)/s.exec(text ?? '') ?? []
    if (comm === undefined) return
    stats.set(pids[i]!, { comm, state: state!, parent: Number(parent) })
  })
  return stats
}

/** The process and its ancestors. */
function chainOf(pid: number, stats: ReadonlyMap<number, Stat>): number[] {
  const chain: number[] = []
  for (let one = pid; one > 0 && !chain.includes(one); one = stats.get(one)?.parent ?? 0) {
    chain.push(one)
  }
  return chain
}

/** The services of the system manager in which processes run. */
async function readUnits(
  files: SystemFiles,
  pids: readonly number[],
): Promise<Map<number, string>> {
  const texts = await files.readTexts(pids.map((pid) => `/proc/${pid}/cgroup`))
  const units = new Map<number, string>()
  texts.forEach((text, i) => {
    const unit = systemService(text ?? '')
    if (unit !== null) units.set(pids[i]!, unit)
  })
  return units
}

/** From the text of /proc/PID/cgroup; `null`: the process is in no service of the system manager. */
export function systemService(cgroups: string): string | null {
  // "0::PATH", or "N:name=systemd:PATH" with cgroup v1.
  const path = /^(?:0:|\d+:name=systemd):(\/system\.slice\/.*)$/m.exec(cgroups)?.[1]
  return path?.split('/').find((part) => part.endsWith('.service')) ?? null
}

export function isBelow(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder.endsWith('/') ? folder : `${folder}/`)
}
