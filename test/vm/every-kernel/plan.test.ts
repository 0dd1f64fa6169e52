/** Plans, compared with what Debian's modprobe does. */
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { formatPlan, Kmod, kmod, type UnloadPlan } from 'node-kmod'
import { afterThisTest, attempt, lsmod, modprobe, openTun, run, temporaryFolder } from '../support'

const names = (plan: UnloadPlan): string[] => plan.steps.map(({ module }) => module)
const loaded = (): string[] => lsmod().map(({ name }) => name)

/** A modprobe.d for this test only, which Debian's modprobe reads with -C. */
let config: string
let configured: Kmod
const configure = (text: string): void => writeFileSync(join(config, 'a.conf'), text)
beforeEach(() => {
  config = temporaryFolder()
  configured = new Kmod({ configPaths: [config] })
})

describe('like modprobe', () => {
  test('a plan has the modules that modprobe removes, in its order, and those that it leaves loaded', async () => {
    const before = loaded()
    modprobe('br_netfilter')
    const added = loaded().filter((name) => !before.includes(name))
    const plan = await kmod.plan('br_netfilter')
    expect(plan).toMatchObject({ feasible: true, blockers: [], kept: [] })
    expect([...names(plan)].sort()).toEqual([...added].sort())

    const oracle = run('modprobe', ['-r', '-v', 'br_netfilter'])
      .trim()
      .split('\n')
      .map((line) => line.replace('rmmod ', ''))
    expect(names(plan).filter((name) => oracle.includes(name))).toEqual(oracle)
    // The kernel accepts the rest of the plan in its order, too.
    for (const name of names(plan).filter((one) => !oracle.includes(one))) run('rmmod', [name])
    expect([...loaded()].sort()).toEqual([...before].sort())
  })

  test('formatPlan prints what modprobe -n -v -r prints', async () => {
    modprobe('dummy')
    expect(formatPlan(await kmod.plan('dummy'))).toBe(run('modprobe', ['-nrv', 'dummy']).trim())
  })

  test('a remove command runs instead of the removal, if commands are allowed', async () => {
    configure('remove dummy echo "going: $MODPROBE_MODULE"\n')
    modprobe('dummy')
    const refused = await configured.plan('dummy')
    expect(refused.blockers).toMatchObject([
      { code: 'ERR_KMOD_REMOVE_COMMAND', shell: 'echo "going: $MODPROBE_MODULE"' },
    ])
    const plan = await configured.plan('dummy', { commands: 'run' })
    expect(formatPlan(plan)).toBe(run('modprobe', ['-C', config, '-nrv', 'dummy']).trim())
  })

  test('aliases of the configuration and of the module file lead to the module', async () => {
    configure('alias my-alias dummy\n')
    modprobe('dummy')
    for (const alias of ['my-alias', 'rtnl-link-dummy', 'dummy']) {
      const oracle = run('modprobe', ['-C', config, '-nrv', alias]).trim()
      expect(formatPlan(await configured.plan(alias))).toBe(oracle)
    }
  })

  test('unknown, built-in and unloaded modules are treated as modprobe treats them', async () => {
    expect((await kmod.plan('nosuchmodule')).blockers).toMatchObject([
      { code: 'ERR_KMOD_NOT_FOUND' },
    ])
    expect(attempt('modprobe', ['-nr', 'nosuchmodule']).status).toBe(1)
    expect((await kmod.plan('printk')).blockers).toMatchObject([{ code: 'ERR_KMOD_BUILTIN' }])
    expect(await kmod.plan('vfat')).toMatchObject({ absent: ['vfat'], steps: [], feasible: true })
    expect(attempt('modprobe', ['-nr', 'vfat'])).toEqual({ status: 0, output: '' })
  })
})

describe('better than modprobe', () => {
  test('all softdep lines of a module count: post before it, pre after it', async () => {
    configure('softdep dummy pre: tun\n')
    writeFileSync(join(config, 'b.conf'), 'softdep dummy post: bridge\n')
    modprobe('-a', 'dummy', 'tun', 'bridge')
    const plan = await configured.plan('dummy')
    expect(plan.steps).toMatchObject([
      { module: 'bridge', reason: 'soft-dependency' },
      { module: 'stp', reason: 'dependency' },
      { module: 'llc', reason: 'dependency' },
      { module: 'dummy', reason: 'target' },
      { module: 'tun', reason: 'soft-dependency' },
    ])
  })

  test('a softdep can name an alias', async () => {
    configure('alias kmod-soft tun\nsoftdep dummy pre: kmod-soft\n')
    modprobe('-a', 'dummy', 'tun')
    expect(names(await configured.plan('dummy'))).toEqual(['dummy', 'tun'])
  })

  test('a cycle of softdeps ends', async () => {
    configure('softdep dummy post: tun\nsoftdep tun post: dummy\n')
    modprobe('-a', 'dummy', 'tun')
    expect(names(await configured.plan('dummy')).sort()).toEqual(['dummy', 'tun'])
    const report = await configured.unload('dummy')
    expect([...report.removed].sort()).toEqual(['dummy', 'tun'])
  })

  test('a soft dependency that is in use is kept', async () => {
    configure('softdep dummy post: tun\n')
    modprobe('dummy')
    await openTun()
    expect(await configured.plan('dummy')).toMatchObject({
      feasible: true,
      steps: [{ module: 'dummy' }],
      kept: [{ module: 'tun', reason: 'in-use' }],
    })
  })

  test("with holders: 'remove', holders of holders are removed too, before what they use", async () => {
    modprobe('br_netfilter')
    const plan = await kmod.plan('llc', { holders: 'remove' })
    expect(plan.feasible).toBe(true)
    expect(names(plan)).toEqual(['br_netfilter', 'bridge', 'stp', 'llc'])
    for (const name of names(plan)) run('rmmod', [name])
  })

  test('a dependency that modules-load.d names is kept', async () => {
    const folder = '/etc/modules-load.d'
    const file = join(folder, 'kmod-test.conf')
    if (!existsSync(folder)) {
      mkdirSync(folder)
      afterThisTest(() => rmSync(folder, { recursive: true }))
    }
    writeFileSync(file, '# a comment\nstp\n')
    afterThisTest(() => rmSync(file, { force: true }))
    modprobe('bridge')
    expect((await kmod.plan('bridge')).kept).toEqual([
      { module: 'stp', reason: 'configured' },
      { module: 'llc', reason: 'held' },
    ])
    rmSync(file)
    expect((await kmod.plan('bridge')).kept).toEqual([])
  })

  test('neither an index nor module files are needed', async () => {
    modprobe('br_netfilter')
    const bare = new Kmod({ moduleDirectory: '/nowhere' })
    const plan = await bare.plan(['br_netfilter', 'nosuchmodule'])
    expect(plan).toMatchObject({ feasible: true, absent: ['nosuchmodule'] })
    expect(names(plan)).toEqual(['br_netfilter', 'bridge', 'stp', 'llc'])
    expect(plan.unreadable).not.toEqual([])
  })
})
