/**
 * References without a known user, and dependencies that become free while a call runs. The expected
 * results come from lsmod and rmmod.
 */
import { closeSync, mkdtempSync, openSync, rmdirSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { kmod, type UnloadPlan } from 'node-kmod'
import { nodeAsOtherUser, NOBODY } from '../processes'
import { attempt, isInKernel, lsmod, modprobe, rejection, ROOT, run } from '../support'

/**
 * Checksums are loaded by softdeps of dependencies, which do not count, and the variants for a processor
 * hold the common part: modprobe leaves them loaded, too.
 */
const isChecksum = (name: string): boolean => name.startsWith('crc')
const loaded = (): string[] =>
  lsmod()
    .map(({ name }) => name)
    .filter((name) => !isChecksum(name))
    .sort()
const names = (plan: UnloadPlan): string[] => plan.steps.map(({ module }) => module)

let before: string[]
beforeEach(() => {
  before = loaded()
})
afterEach(() => {
  for (let left = -1; ;) {
    const rest = loaded().filter((name) => !before.includes(name))
    if (rest.length === 0 || rest.length === left) break
    left = rest.length
    for (const name of rest) attempt('rmmod', [name])
  }
})

describe('undecided references', () => {
  // Each takes one more reference on configfs than the one of its link.
  test.each(['dlm', 'nvmet', 'target_core_mod', 'null_blk', 'netconsole', 'libcomposite'])(
    '%s is removed with all its dependencies',
    async (name) => {
      modprobe(name)
      const came = loaded().filter((one) => !before.includes(one))
      expect(came).toContain('configfs')
      const plan = await kmod.plan(name)
      expect(plan.feasible).toBe(true)
      expect(plan.kept.filter(({ module }) => !isChecksum(module))).toEqual([])
      expect(plan.steps).toContainEqual({
        action: 'remove',
        module: 'configfs',
        reason: 'dependency',
        undecided: expect.any(Number) as number,
      })
      const report = await kmod.unload(name)
      expect(report).toMatchObject({ removed: names(plan), kept: plan.kept, clean: true })
      expect(loaded()).toEqual(before)
    },
  )

  test('a target after its holder', async () => {
    modprobe('dlm')
    const { users, count } = lsmodRow('configfs')
    const plan = await kmod.plan(['configfs', 'dlm'])
    expect(plan.steps.find(({ module }) => module === 'configfs')).toEqual({
      action: 'remove',
      module: 'configfs',
      reason: 'target',
      undecided: count - users.length,
    })
    expect((await kmod.unload(['configfs', 'dlm'])).removed).toEqual(names(plan))
    expect(loaded()).toEqual(before)
  })

  test('ip_vs with its schedulers, as rmmod removes them', async () => {
    const modules = ['ip_vs_rr', 'ip_vs_wlc', 'ip_vs']
    for (const name of modules) modprobe(name)
    expect(lsmodRow('ip_vs').count).toBeGreaterThan(2)
    for (const name of modules) run('rmmod', [name])
    for (const name of modules) modprobe(name)
    expect(await rejection(kmod.unload('ip_vs'))).toMatchObject({ code: 'ERR_KMOD_HELD' })
    const report = await kmod.unload('ip_vs', { holders: 'remove' })
    expect(report.clean).toBe(true)
    expect(report.kept.filter(({ module }) => !isChecksum(module))).toEqual([])
    expect(loaded()).toEqual(before)

    modprobe('ip_vs_rr')
    expect((await kmod.unload('ip_vs_rr')).removed.slice(0, 2)).toEqual(['ip_vs_rr', 'ip_vs'])
    expect(loaded()).toEqual(before)
  })

  test('a user that is visible: the references are in use', async () => {
    modprobe('dlm')
    const folder = mkdtempSync(join(tmpdir(), 'kmod-configfs-'))
    run('mount', ['-t', 'configfs', 'none', folder])
    try {
      const users = [{ kind: 'mount', path: folder, references: 1 }]
      const plan = await kmod.plan(['dlm', 'configfs'])
      expect(plan.blockers).toMatchObject([{ code: 'ERR_KMOD_IN_USE', module: 'configfs', users }])
      expect(plan.blockers[0]!.message).toContain(folder)
      const error = await rejection(kmod.unload(['dlm', 'configfs']))
      expect(error).toMatchObject({ code: 'ERR_KMOD_IN_USE', users, report: { removed: [] } })
      expect(await kmod.unload('dlm')).toMatchObject({
        kept: [{ module: 'configfs', reason: 'in-use' }],
      })
      expect(isInKernel('configfs')).toBe(true)
    } finally {
      run('umount', [folder])
      rmdirSync(folder)
    }
  })

  test('a user that is not visible: the step is the last one, and is refused or kept', async () => {
    modprobe('dlm')
    const folder = mkdtempSync(join(tmpdir(), 'kmod-configfs-'))
    run('mount', ['-t', 'configfs', 'none', folder])
    const file = openSync(folder, 'r')
    // No mount table contains it any more, but the open folder still holds its reference.
    run('umount', ['-l', folder])
    rmdirSync(folder)
    try {
      const plan = await kmod.plan(['dlm', 'configfs'])
      expect(plan).toMatchObject({ feasible: true })
      const error = await rejection(kmod.unload(['dlm', 'configfs']))
      expect(error).toMatchObject({ code: 'ERR_KMOD_IN_USE', module: 'configfs', plan })
      expect(error.report!.removed).toContain('dlm')
      expect(error.report!.removed).not.toContain('configfs')

      modprobe('dlm')
      const report = await kmod.unload('dlm')
      expect(report.kept).toEqual([{ module: 'configfs', reason: 'in-use' }])

      modprobe('dlm')
      let freed = false
      const waited = await kmod.unload(['dlm', 'configfs'], {
        wait: 30_000,
        onBlocked: () => {
          if (!freed) closeSync(file)
          freed = true
        },
      })
      expect(freed).toBe(true)
      expect(waited.removed.at(-1)).toBe('configfs')
    } finally {
      attempt('rmmod', ['dlm'])
    }
    expect(loaded()).toEqual(before)
  })

  test('a process that cannot read all other processes cannot decide that', () => {
    modprobe('dlm')
    const { status, stdout } = nodeAsOtherUser(
      NOBODY,
      `require('node-kmod').kmod.plan(['dlm', 'configfs'])
        .then(({ blockers }) => console.log(JSON.stringify(blockers.map(({ code }) => code))))`,
    )
    expect([status, JSON.parse(stdout)]).toEqual([0, ['ERR_KMOD_IN_USE']])
  })
})

describe('two unloads that share a dependency remove it', () => {
  const load = (): void => {
    modprobe('vfat')
    modprobe('msdos')
    expect(isInKernel('fat')).toBe(true)
  }

  test('in one process', async () => {
    for (let round = 0; round < 3; round++) {
      load()
      const reports = await Promise.all([kmod.unload('vfat'), kmod.unload('msdos')])
      const removed = reports.flatMap((report) => report.removed)
      expect([...removed].sort()).toEqual(['fat', 'msdos', 'vfat'])
      expect(loaded()).toEqual(before)
    }
  })

  test('in two processes', async () => {
    load()
    const ends = ['vfat', 'msdos'].map(async (name) => {
      const script = `
        require(${JSON.stringify(ROOT)}).kmod.unload('${name}').catch((error) => {
          console.error(error)
          process.exitCode = 1
        })`
      const child = spawn(process.execPath, ['-e', script], {
        stdio: ['ignore', 'inherit', 'inherit'],
      })
      const [code] = (await once(child, 'exit')) as [number]
      return code
    })
    expect(await Promise.all(ends)).toEqual([0, 0])
    expect(loaded()).toEqual(before)
  })

  test('except if a given plan does not name the dependency', async () => {
    load()
    const plan = await kmod.plan('vfat')
    expect(plan.kept).toEqual([{ module: 'fat', reason: 'held' }])
    const report = await kmod.unload(plan, {
      onStep: ({ state }) => {
        if (state === 'start') run('rmmod', ['msdos'])
      },
    })
    expect(report).toMatchObject({ removed: ['vfat'], kept: [{ module: 'fat', reason: 'held' }] })
    expect(isInKernel('fat')).toBe(true)
  })
})

test('a call without wait is not delayed by a call with wait', async () => {
  modprobe('tun')
  const device = await open('/dev/net/tun')
  let isOver = false
  const waiting = kmod.unload('tun', { wait: 60_000 }).finally(() => (isOver = true))
  expect(await rejection(kmod.unload('tun'))).toMatchObject({ code: 'ERR_KMOD_IN_USE' })
  expect(isOver).toBe(false)
  await device.close()
  expect((await waiting).removed).toEqual(['tun'])
})

function lsmodRow(name: string): { count: number; users: string[] } {
  return lsmod().find((row) => row.name === name)!
}
