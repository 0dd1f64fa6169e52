/** What a watch costs while nothing happens. */
import { spawn, type ChildProcess } from 'node:child_process'
import { setTimeout as delay } from 'node:timers/promises'
import { ROOT } from '../surroundings'
import { childrenOf, threadsTime, waits } from '../process-time'
import type { Case } from '../row'

/** Node.js itself still has work in the first seconds: it collects garbage and compiles. */
const SETTLE = 15_000
const WATCHED = 10_000

/** Waits and milliseconds of a process and its helpers. */
function usage(root: number): { waits: number; cpu: number } {
  const pids = [root, ...childrenOf(root)]
  const sum = (of: (pid: number) => number): number =>
    pids.reduce((total, pid) => total + of(pid), 0)
  return { waits: sum(waits), cpu: sum(threadsTime) }
}

const start = (script: string): ChildProcess =>
  spawn(process.execPath, ['-e', script], { cwd: ROOT, stdio: ['pipe', 'ignore', 'inherit'] })

const idle: Case = {
  name: 'watch(), idle for 10 s',
  rows: async () => {
    const processes = [
      start(`require('node-kmod').watch().next(); process.stdin.resume()`),
      start('process.stdin.resume()'),
    ]
    await delay(SETTLE)
    const [watching] = processes
    if (childrenOf(watching!.pid!).length !== 1) throw new Error('The watch has no helper.')
    const before = processes.map(({ pid }) => usage(pid!))
    await delay(WATCHED)
    const [ours, baseline] = processes.map(({ pid }, i) => {
      const after = usage(pid!)
      return { waits: after.waits - before[i]!.waits, cpu: after.cpu - before[i]!.cpu }
    })
    for (const one of processes) one.kill()
    return [
      {
        name: 'watch(), idle for 10 s: wake-ups',
        ours: { wall: ours!.waits },
        baseline: { wall: baseline!.waits },
        baselineName: 'Node.js without it',
        target: { limit: 0 },
        unit: '',
      },
      {
        name: 'watch(), idle for 10 s: time of the processor',
        ours: { wall: ours!.cpu },
        baseline: { wall: baseline!.cpu },
        baselineName: 'Node.js without it',
        target: { limit: 1 },
      },
    ]
  },
}

export const watchCases: readonly Case[] = [idle]
