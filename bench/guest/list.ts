/** The verbs that only look, with as many modules as a desktop system has. */
import { readFileSync } from 'node:fs'
import { kmod } from '../../lib'
import { measurePair } from '../measure'
import type { Case } from '../row'
import { run } from './run'

let loaded: Promise<void> | undefined

/** Loads the modules when the first case needs them. */
export const loadMany = (): Promise<void> => (loaded ??= load())

async function load(): Promise<void> {
  const wanted = readFileSync(`/lib/modules/${run('uname', '-r').trim()}/modules.dep`, 'utf8')
    .split('\n')
    .filter((line) => /^kernel\/(net\/netfilter|fs\/nls|lib)\//.test(line))
    .map((line) => line.replace(/\.ko.*/, '').replace(/.*\//, ''))
  for (const name of [...wanted.slice(0, 200), 'bridge']) {
    await kmod.load(name).catch(() => undefined) // Some need hardware, or exclude other modules.
  }
}

const list: Case = {
  name: 'list() on a real kernel',
  rows: async () => {
    await loadMany()
    return measurePair({
      name: `list(), ${(await kmod.list()).length} modules on a real kernel`,
      ours: () => kmod.list(),
      baseline: () => void run('lsmod'),
      baselineName: 'lsmod spawned and read',
      target: { atLeast: 15 },
      rounds: 30,
    })
  },
}

const holders: Case = {
  name: 'holders()',
  rows: async () => {
    await loadMany()
    return measurePair({
      name: 'holders()',
      ours: () => kmod.holders('llc'),
      baseline: () => void run('ls', '/sys/module/llc/holders'),
      baselineName: 'ls spawned and read',
      target: { atLeast: 25 },
      rounds: 30,
    })
  },
}

export const listCases: readonly Case[] = [list, holders]
