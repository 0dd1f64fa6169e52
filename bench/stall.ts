/** How long one turn of the event loop takes. */
import { closeSync, openSync, readSync } from 'node:fs'
import { figureOf, type Sample } from './measure'
import type { Figure } from './row'

/**
 * The longest time in milliseconds from one timer to the next while `during` runs, on the clock and on the
 * processor. The second one does not count the time in which other processes had the processor.
 */
export async function longestStall(during: () => Promise<unknown>): Promise<Sample> {
  const file = openSync('/proc/thread-self/schedstat', 'r')
  const buffer = Buffer.alloc(64)
  const processorTime = (): number => {
    // The kernel brings the time of a running thread up to date in getrusage(2), not when the file is read.
    process.cpuUsage()
    const length = readSync(file, buffer, 0, buffer.length, 0)
    return Number(buffer.toString('latin1', 0, length).split(' ')[0]) / 1e6
  }
  const longest = { wall: 0, cpu: 0 }
  let last = { wall: performance.now(), cpu: processorTime() }
  const tick = (): void => {
    const now = { wall: performance.now(), cpu: processorTime() }
    longest.wall = Math.max(longest.wall, now.wall - last.wall)
    longest.cpu = Math.max(longest.cpu, now.cpu - last.cpu)
    last = now
  }
  const timer = setInterval(tick, 1)
  try {
    await during()
    tick()
  } finally {
    clearInterval(timer)
    closeSync(file)
  }
  return longest
}

/** The median of several calls, after one that does not count. */
export async function medianStall(during: () => Promise<unknown>, rounds: number): Promise<Figure> {
  const stalls: Sample[] = []
  for (let round = -1; round < rounds; round++) {
    const stall = await longestStall(during)
    if (round >= 0) stalls.push(stall)
  }
  return figureOf(stalls)
}
