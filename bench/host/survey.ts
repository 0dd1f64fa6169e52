/** explain() and the survey on the machine itself, beside what other users make large. */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { explain } from '../../lib/explain/explain'
import { withFolder } from '../surroundings'
import { kernelWith } from '../made-up-tables'
import { measurePair } from '../measure'
import { Program, withProgram } from '../programs'
import type { Case, Target } from '../row'
import { medianStall } from '../stall'

const TABLE = 'tun 69632 1 - Live 0xffffffffc0000000\n'

const crowd: Case = {
  name: 'explain(), 500 processes of 40 open files',
  rows: (programs) =>
    withFolder((folder) =>
      withProgram(join(programs, 'hold_files'), ['500', '40'], async (program) => {
        await program.nextLine()
        const { kernel } = kernelWith(folder, TABLE)
        const ask = (): Promise<unknown> => explain(kernel, 'tun')
        const row = await measurePair({
          name: 'explain(), 500 processes of 40 open files',
          ours: ask,
          baseline: () => void spawnSync('lsof', ['-nPw'], { maxBuffer: 2 ** 30 }),
          baselineName: 'lsof -nPw spawned and read',
          target: { atLeast: 8 },
          rounds: 10,
          block: 1,
        })
        const stall = await medianStall(ask, 5)
        await kernel.close(1_000)
        return [
          row,
          {
            name: 'longest stall during explain(), 500 processes',
            ours: stall,
            target: { limit: 10, ofCpu: true },
          },
        ]
      }),
    ),
}

/** `target`: of the time beside the same without the mounts. */
const mountsCase = (count: number, target: Target): Case => {
  const name = `a survey beside ${count.toLocaleString('en')} mounts of another user`
  return {
    name,
    rows: (programs) =>
      withFolder(async (folder) => {
        const { kernel } = kernelWith(folder, TABLE)
        const ask = (): Promise<unknown> => kernel.snapshot({ users: false })
        let other: Program | undefined
        const enter = async (): Promise<void> => {
          other = new Program(join(programs, 'hold_mounts'), String(count))
          await other.nextLine()
        }
        const leave = (): Promise<void> => other!.close()
        const row = await measurePair({
          name,
          ours: ask,
          baseline: ask,
          baselineName: 'the same without them',
          target,
          rounds: 20,
          around: { enter, leave },
        })
        await enter()
        const stall = await medianStall(ask, 5)
        await leave()
        await kernel.close(1_000)
        return [
          row,
          {
            name: `longest stall during ${name}`,
            ours: stall,
            target: { limit: 10, ofCpu: true },
          },
        ]
      }),
  }
}

export const surveyCases: readonly Case[] = [
  crowd,
  mountsCase(20_000, { atMost: 3 }),
  // So many are still read. A namespace with 20,000 is left out, and `unreadable` says so.
  mountsCase(10_000, null),
]
