/** The package itself: its start, and its memory. */
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT, STEADY_HEAP, withFolder } from '../surroundings'
import { makeTable } from '../made-up-tables'
import { measurePair } from '../measure'
import { middle, type Case } from '../row'

const node =
  (...args: string[]) =>
  (): void => {
    execFileSync(process.execPath, args, { cwd: ROOT })
  }

const requireTime: Case = {
  name: `require('node-kmod'), time`,
  rows: () =>
    measurePair({
      name: `require('node-kmod'), time`,
      ours: node('-e', `require('node-kmod')`),
      baseline: node('-e', '0'),
      baselineName: 'node -e 0',
      target: { atMost: 1.3 },
      rounds: 20,
      block: 2,
    }),
}

const requireMemory: Case = {
  name: `require('node-kmod'), peak memory`,
  rows: () => {
    const memory = (script: string): number => {
      const peak = `${script}; process.on('exit', () => console.log(process.resourceUsage().maxRSS))`
      const { stdout } = spawnSync(process.execPath, ['-e', peak], { cwd: ROOT, encoding: 'utf8' })
      return Number(stdout) / 1024
    }
    const median = (script: string): { wall: number } => ({
      wall: middle(Array.from({ length: 9 }, () => memory(script))),
    })
    return Promise.resolve({
      name: `require('node-kmod'), peak memory`,
      ours: median(`require('node-kmod')`),
      baseline: median('0'),
      baselineName: 'node -e 0',
      target: { atMost: 1.1 },
      unit: 'MiB',
    })
  },
}

/** A captured system with this table of modules. */
function captured(folder: string, rows: number): string {
  mkdirSync(join(folder, 'proc'))
  writeFileSync(join(folder, 'proc', 'modules'), makeTable(rows))
  return folder
}

const commandTime: Case = {
  name: '`node-kmod list` of a captured system',
  rows: () =>
    withFolder((folder) =>
      measurePair({
        name: '`node-kmod list` of a captured system, 200 rows',
        ours: node(join(ROOT, 'dist/cli/main.js'), 'list', '--root', captured(folder, 200)),
        baseline: node('-e', '0'),
        baselineName: 'node -e 0',
        target: { atMost: 1.5 },
        rounds: 20,
        block: 2,
      }),
    ),
}

/** How much the resident memory grows in the second half of the calls. */
const memory: Case = {
  name: '100,000 x list()',
  rows: () =>
    withFolder((folder) => {
      const script = `
        const { Kmod } = require('node-kmod')
        const kmod = new Kmod({ root: ${JSON.stringify(captured(folder, 200))} })
        const settled = () => { gc(); return process.memoryUsage().rss / 1048576 }
        ;(async () => {
          for (let i = 0; i < 50000; i++) await kmod.list()
          const half = settled()
          for (let i = 0; i < 50000; i++) await kmod.list()
          console.log(settled() - half)
        })()`
      const grown = execFileSync(process.execPath, [...STEADY_HEAP, '-e', script], {
        cwd: ROOT,
        encoding: 'utf8',
      })
      return Promise.resolve({
        name: '100,000 x list(), growth in the second half',
        ours: { wall: Number(grown) },
        target: { limit: 1 },
        unit: 'MiB',
      })
    }),
}

export const packageCases: readonly Case[] = [requireTime, requireMemory, commandTime, memory]
