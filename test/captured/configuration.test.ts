/** What the configuration, the index and /sys of a captured system say about modules. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { checkUnloadOptions, planOptions } from '../../lib/plan/options'
import { makePlan } from '../../lib/plan/plan'
import { CapturedKernel } from '../../lib/captured/captured-kernel'
import { RootView } from '../../lib/captured/root-view'
import { host } from '../support/live'
import { CapturedSystem, RELEASE } from '../support/captured-system'

let system: CapturedSystem
beforeEach(() => (system = new CapturedSystem().addModules()))
afterEach(() => system.remove())

const open = (): CapturedKernel =>
  new CapturedKernel(
    new RootView(system.root),
    { release: RELEASE, moduleDirectory: `/lib/modules/${RELEASE}`, configPaths: null },
    host,
  )
const OPTIONS = planOptions(checkUnloadOptions({ guard: 'off', commands: 'run' }))
const ALL = ['dummy', 'llc', 'stp', 'nothing']
const configured = async (kernel = open()): Promise<string[]> =>
  [...(await kernel.index.policies(ALL)).policies]
    .filter(([, policy]) => policy.configured)
    .map(([name]) => name)

test('modules for which nothing is configured have no policy', async () => {
  expect((await open().index.policies(ALL)).policies).toEqual(new Map())
  system.write('etc/modprobe.d/a.conf', 'remove stp /bin/true\nsoftdep llc pre: one two post: x\n')
  expect((await open().index.policies(ALL)).policies).toEqual(
    new Map([
      ['llc', policyOf({ pre: ['one', 'two'], post: ['x'] }, null)],
      ['stp', policyOf({ pre: [], post: [] }, '/bin/true')],
    ]),
  )
})

test('a module that a load list names, also by an alias, is configured to be loaded', async () => {
  system
    .write('etc/modules', '# llc\n  rtnl-link-dummy\t\n')
    .write('usr/lib/modules-load.d/a.conf', ';dummy\nstp\n')
    .write('usr/lib/modules-load.d/b.list', 'llc\n')
  expect(await configured()).toEqual(['dummy', 'stp'])
})

test('modules-load= on the kernel command line counts like a load list', async () => {
  system.write('proc/cmdline', 'quiet modules-load=rtnl-link-dummy,stp -- modules-load=llc\n')
  expect(await configured()).toEqual(['dummy', 'stp'])
})

test('module_blacklist= on the kernel command line is a blacklist', async () => {
  system.write('proc/cmdline', 'module_blacklist=llc\n')
  const { index } = open()
  expect((await index.describe('llc'))?.blacklisted).toBe(true)
  expect((await index.describe('stp'))?.blacklisted).toBe(false)
  expect((await open().facts()).kernelBlacklist).toEqual(['llc'])
})

test('of files with the same name the first counts, even if it is empty or a link to /dev/null', async () => {
  system
    .write('etc/modules-load.d/a.conf', '')
    .write('usr/lib/modules-load.d/a.conf', 'stp\n')
    .link('/dev/null', 'run/modules-load.d/b.conf')
    .write('lib/modules-load.d/b.conf', 'llc\n')
    .write('etc/modules-load.d/modules.conf', '')
    .write('etc/modules', 'dummy\n')
  expect(await configured()).toEqual(['dummy'])
})

test('a load list is read again when it changes, and never through a link that leaves the root', async () => {
  const kernel = open()
  expect(await configured(kernel)).toEqual([])
  system.write('etc/modules', 'llc\n')
  expect(await configured(kernel)).toEqual(['llc'])
  system.write('etc/modules', 'stp\n')
  expect(await configured(kernel)).toEqual(['stp'])
  writeFileSync(join(system.folder, 'outside.conf'), 'dummy\n')
  system
    .link('../../../outside.conf', 'etc/modules-load.d/a.conf')
    .link(join(system.folder, 'outside.conf'), 'etc/modules-load.d/b.conf')
  expect(await configured(kernel)).toEqual(['stp'])
})

describe.each(['modules.dep.bin', 'modules.alias.bin', 'modules.symbols.bin'])(
  'with an empty %s, as after a crash',
  (name) => {
    const path = `/lib/modules/${RELEASE}/${name}`
    beforeEach(() =>
      system
        .write(path.slice(1), '')
        .write('etc/modprobe.d/a.conf', 'remove dummy /bin/true\nsoftdep llc pre: one\n')
        .write('etc/modules', 'stp\n'),
    )

    test('commands, softdeps and load lists still count, and the damage is reported', async () => {
      const { policies, unreadable } = await open().index.policies(ALL)
      expect(policies).toEqual(
        new Map([
          ['dummy', policyOf({ pre: [], post: [] }, '/bin/true')],
          ['llc', policyOf({ pre: ['one'], post: [] }, null)],
          ['stp', { ...policyOf({ pre: [], post: [] }, null), configured: true }],
        ]),
      )
      expect(unreadable).toEqual([
        expect.stringMatching(/^the module index: .*\/modules\.\w+\.bin is damaged: /),
      ])
    })

    test('a plan has the remove command, and reports the damage once', async () => {
      system.write('proc/modules', 'dummy 16384 0 - Live 0x0\n')
      const { plan } = await makePlan(open(), ['dummy', 'rtnl-link-dummy'], OPTIONS)
      const { steps, unreadable } = plan
      expect(steps).toEqual([
        { action: 'run', module: 'dummy', reason: 'target', shell: '/bin/true' },
      ])
      expect(unreadable.filter((text) => text.includes(name))).toHaveLength(1)
    })

    test('lookups fail, and module files are still described', async () => {
      const { index } = open()
      for (const answer of [
        index.lookup(['dummy']),
        index.find(['dummy']),
        index.needs(['dummy']),
        index.describe('dummy'),
      ]) {
        await expect(answer).rejects.toMatchObject({
          code: 'ERR_KMOD_FORMAT',
          message: expect.stringContaining(`${name} is damaged`) as string,
        })
      }
      const file = `/lib/modules/${RELEASE}/kernel/dummy.ko`
      expect(await index.describeFile(file)).toMatchObject({
        name: 'dummy',
        removeCommand: '/bin/true',
      })
    })
  },
)

test('a load list that cannot be read is reported together with the policies', async () => {
  system
    .write('etc/modprobe.d/a.conf', 'remove dummy /bin/true\n')
    .write('etc/modules-load.d/huge.conf', 'x'.repeat(2 * 1024 * 1024))
  const { policies, unreadable } = await open().index.policies(ALL)
  expect([...policies.keys()]).toEqual(['dummy'])
  expect(unreadable).toEqual([expect.stringMatching(/^the load lists: .*huge\.conf/)])
})

test('the dependencies of a module are those of modules.dep', async () => {
  expect(await open().index.needs(['stp', 'llc', 'nothing'])).toEqual([['llc'], [], []])
})

test('parameters and versions are read inside the root', async () => {
  writeFileSync(join(system.folder, 'outside'), 'hostile\n')
  system
    .write('sys/module/llc/parameters/one', '1\n')
    .write('sys/module/llc/parameters/lines', 'a\n\n')
    .write('sys/module/llc/srcversion', 'ABCDEF\n')
    .write('sys/module/llc/version', '1.2\n')
    .link('../../../../../outside', 'sys/module/llc/parameters/out')
  const kernel = open()
  expect(await kernel.attributes('llc')).toEqual({
    version: '1.2',
    srcVersion: 'ABCDEF',
    parameters: new Map([
      ['lines', 'a\n'],
      ['one', '1'],
      ['out', null],
    ]),
  })
  expect(await kernel.attributes('nothing')).toEqual({
    version: null,
    srcVersion: null,
    parameters: new Map(),
  })
})

test('no command runs, and there are no events', () => {
  expect(() => open().runCommand()).toThrow(
    expect.objectContaining({ code: 'ERR_KMOD_READ_ONLY' }) as Error,
  )
  open().onChange()()
})

function policyOf(
  softDependencies: { pre: string[]; post: string[] },
  removeCommand: string | null,
): object {
  return { removeCommand, softDependencies, configured: false }
}
