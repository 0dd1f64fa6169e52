/** The command line on a real kernel, and the memory of many changes. */
import { join } from 'node:path'
import { measurePair } from '../measure'
import type { Case } from '../row'
import { ROOT, STEADY_HEAP } from '../surroundings'
import { loadMany } from './list'
import { run } from './run'

const list: Case = {
  name: '`node-kmod list` on a real kernel',
  rows: async () => {
    await loadMany()
    return measurePair({
      name: '`node-kmod list` on a real kernel',
      ours: () => run(process.execPath, join(ROOT, 'dist/cli/main.js'), 'list'),
      baseline: () => run(process.execPath, '-e', '0'),
      baselineName: 'node -e 0',
      target: { atMost: 1.5 },
      rounds: 10,
      block: 1,
    })
  },
}

const memory: Case = {
  name: '1,000 x load() and remove()',
  rows: () => {
    const script = `
      const { kmod } = require('node-kmod')
      const settled = () => { gc(); return process.memoryUsage().rss / 1048576 }
      const rounds = async (count) => {
        for (let i = 0; i < count; i++) {
          await kmod.load('dummy')
          await kmod.remove('dummy')
        }
      }
      ;(async () => {
        await rounds(500)
        const half = settled()
        await rounds(500)
        console.log(settled() - half)
      })()`
    return Promise.resolve({
      name: '1,000 x load() and remove(), growth in the second half',
      ours: { wall: Number(run(process.execPath, ...STEADY_HEAP, '-e', script)) },
      target: { limit: 1 },
      unit: 'MiB',
    })
  },
}

export const commandCases: readonly Case[] = [list, memory]
