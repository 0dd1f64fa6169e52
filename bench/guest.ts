/** Measures on a real kernel. Runs in a guest, as root, and writes the rows to /results/files/rows.json. */
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as delay } from 'node:timers/promises'
import { kmod } from '..'
import { STEADY_HEAP } from './host'
import { measured, measurePair, median, type Row } from './measure'

const programs = process.argv[2]!

const run = (command: string, ...args: string[]): string =>
  execFileSync(command, args, { encoding: 'utf8' })

async function listRows(): Promise<Row[]> {
  return [
    await measurePair({
      name: `list(), ${(await kmod.list()).length} modules on a real kernel`,
      ours: () => kmod.list(),
      baseline: () => void run('lsmod'),
      baselineName: 'lsmod spawned and read',
      target: { atLeast: 15 },
      rounds: 30,
    }),
    await measurePair({
      name: 'holders()',
      ours: () => kmod.holders('llc'),
      baseline: () => void run('ls', '/sys/module/llc/holders'),
      baselineName: 'ls spawned and read',
      target: { atLeast: 25 },
      rounds: 30,
    }),
  ]
}

async function removalRows(): Promise<Row[]> {
  const load = (): void => void run('modprobe', 'dummy')
  const ours = (): Promise<void> => kmod.remove('dummy')
  return [
    await measurePair({
      name: 'remove() of one idle module',
      ours,
      baseline: () => measured(join(programs, 'delete_modules'), 'dummy'),
      baselineName: 'C: delete_module alone',
      target: { atMost: 1.5 },
      rounds: 25,
      before: load,
    }),
    await measurePair({
      name: 'remove() of one idle module',
      ours,
      baseline: () => void run('modprobe', '-r', 'dummy'),
      baselineName: 'modprobe -r spawned',
      target: { atLeast: 1.5 },
      rounds: 25,
      before: load,
    }),
  ]
}

async function unloadRows(): Promise<Row[]> {
  const load = (): void => void run('modprobe', 'dummy', 'numdummies=0')
  const alone = {
    baseline: () => measured(join(programs, 'delete_modules'), 'dummy'),
    baselineName: 'C: delete_module alone',
    rounds: 25,
    before: load,
  }
  const one = [
    await measurePair({
      ...alone,
      name: 'unload() of one idle module, guard off',
      ours: () => kmod.unload('dummy', { guard: 'off' }),
      target: { atMost: 1.5 },
    }),
    await measurePair({
      ...alone,
      name: 'unload() of one idle module, with the guard',
      ours: () => kmod.unload('dummy'),
      target: { atMost: 2 },
    }),
    await measurePair({
      name: 'unload() of one idle module, with the guard',
      ours: () => kmod.unload('dummy'),
      baseline: () => void run('modprobe', '-r', 'dummy'),
      baselineName: 'modprobe -r spawned',
      target: { atLeast: 1.5 },
      rounds: 25,
      before: load,
    }),
  ]
  return [...one, await stallRow()]
}

/** x_tables is removed together with the modules that use it. */
async function chainRow(): Promise<Row> {
  const matches =
    'comment mark limit length mac multiport owner pkttype statistic tcpmss time hl u32 dscp ecn esp iprange quota cpu'
  const load = (): void => {
    run('modprobe', '-a', ...matches.split(' ').map((name) => `xt_${name}`))
  }
  load()
  const { steps } = await kmod.plan('x_tables', { holders: 'remove' })
  const names = steps.map((step) => step.module)
  return measurePair({
    name: `unload() of a chain of ${names.length}`,
    ours: () => kmod.unload('x_tables', { holders: 'remove' }),
    baseline: () => measured(join(programs, 'delete_modules'), ...names),
    baselineName: 'C: delete_module of each, in order',
    target: { atMost: 1.5 },
    rounds: 8,
    before: load,
  })
}

/** The longest time in milliseconds for which the event loop was blocked. */
async function longest(during: () => Promise<unknown>): Promise<number> {
  const histogram = monitorEventLoopDelay({ resolution: 1 })
  histogram.enable()
  await during()
  histogram.disable()
  return histogram.max / 1e6
}

/** explain() on a system with many processes and open files. */
async function explainRows(): Promise<Row[]> {
  run('modprobe', 'tun')
  const device = await open('/dev/net/tun')
  // `detached` creates a process group, because the program ends by a signal to its whole group.
  const crowd = spawn(join(programs, 'hold_files'), ['500', '40'], {
    stdio: ['pipe', 'pipe', 'inherit'],
    detached: true,
  })
  try {
    await once(crowd.stdout, 'data')
    const row = await measurePair({
      name: 'explain(), 500 processes of 40 open files',
      ours: () => kmod.explain('tun'),
      baseline: () => void spawnSync('lsof', ['-nPw']),
      baselineName: 'lsof -nPw spawned and read',
      target: { atLeast: 4 },
      rounds: 10,
    })
    const stalls: number[] = []
    for (let round = 0; round < 5; round++) stalls.push(await longest(() => kmod.explain('tun')))
    return [
      row,
      {
        name: 'longest stall during explain(), 500 processes',
        ours: median(stalls),
        baseline: 10,
        baselineName: '10 ms',
        target: { atMost: 1 },
      },
    ]
  } finally {
    crowd.stdin.end()
    await once(crowd, 'close')
    await device.close()
  }
}

async function stallRow(): Promise<Row> {
  const stalls: number[] = []
  const idle: number[] = []
  for (let round = 0; round < 3; round++) {
    run('modprobe', 'kmodtest_slow_exit', 'exit_ms=5000')
    stalls.push(await longest(() => kmod.unload('kmodtest_slow_exit')))
    idle.push(await longest(() => delay(5_000)))
  }
  return {
    name: 'longest stall during an unload whose exit takes 5 s',
    ours: median(stalls),
    baseline: median(idle),
    baselineName: 'the longest with nothing running',
    target: { atMost: 2 },
  }
}

function memoryRow(): Row {
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
  return {
    name: '1,000 x load() and remove(), growth in the second half',
    ours: Math.max(0, Number(run(process.execPath, ...STEADY_HEAP, '-e', script))),
    baseline: 1,
    baselineName: '1 MiB',
    target: { atMost: 1 },
    unit: 'MiB',
  }
}

async function main(): Promise<void> {
  // This must be first, while no other module uses x_tables.
  const chain = await chainRow()
  // Load as many modules as a desktop system has.
  const wanted = readFileSync(`/lib/modules/${run('uname', '-r').trim()}/modules.dep`, 'utf8')
    .split('\n')
    .filter((line) => /^kernel\/(net\/netfilter|fs\/nls|lib)\//.test(line))
    .map((line) => line.replace(/\.ko.*/, '').replace(/.*\//, ''))
  for (const name of [...wanted.slice(0, 200), 'bridge']) {
    await kmod.load(name).catch(() => undefined) // Some need hardware, or exclude other modules.
  }
  const rows = [
    ...(await listRows()),
    ...(await removalRows()),
    ...(await unloadRows()),
    chain,
    ...(await explainRows()),
    memoryRow(),
  ]
  writeFileSync('/results/files/rows.json', JSON.stringify(rows))
}

void main()
