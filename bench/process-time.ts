/** The time that processes have spent on a processor, and how often they woke up, as /proc says. */
import { readdirSync, readFileSync } from 'node:fs'

/** The kernel counts the time of processes that have ended in these steps (USER_HZ). */
const MILLISECONDS_PER_TICK = 10

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return '' // The process or thread has ended.
  }
}

/** Child processes that have not ended, in the order of their start. */
export function childrenOf(pid: number | 'self'): number[] {
  return threadsOf(pid).flatMap((task) =>
    read(`${task}/children`).split(' ').filter(Boolean).map(Number),
  )
}

/** The folders of the threads of a process. */
function threadsOf(pid: number | 'self'): string[] {
  try {
    return readdirSync(`/proc/${pid}/task`).map((thread) => `/proc/${pid}/task/${thread}`)
  } catch {
    return []
  }
}

/** Milliseconds of the threads of one process on a processor. */
export function threadsTime(pid: number): number {
  return threadsOf(pid).reduce(
    (sum, task) => sum + Number(read(`${task}/schedstat`).split(' ')[0]) / 1e6,
    0,
  )
}

/** Milliseconds of the children that a process has waited for. */
function endedTime(pid: number | 'self'): number {
  const fields = read(`/proc/${pid}/stat`).replace(/.*\) /s, '').split(' ')
  // proc_pid_stat(5): cutime and cstime are the fields 16 and 17; the first one here is the third.
  return (Number(fields[13] ?? 0) + Number(fields[14] ?? 0)) * MILLISECONDS_PER_TICK
}

/** Milliseconds of all children of this process so far, and of their children. */
export function childrenTime(): number {
  return childrenOf('self').reduce(
    (sum, pid) => sum + threadsTime(pid) + endedTime(pid),
    endedTime('self'),
  )
}

/** How often the threads of a process have waited for something so far. */
export function waits(pid: number): number {
  return threadsOf(pid).reduce((sum, task) => {
    const [, count = '0'] = /^voluntary_ctxt_switches:\s*(\d+)/m.exec(read(`${task}/status`)) ?? []
    return sum + Number(count)
  }, 0)
}

/** The most memory that a process has had, in MiB. */
export function peakMemory(pid: number | 'self'): number {
  const [, kibibytes = '0'] = /^VmHWM:\s*(\d+)/m.exec(read(`/proc/${pid}/status`)) ?? []
  return Number(kibibytes) / 1024
}
