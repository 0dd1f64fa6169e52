/** What the configuration and the index of a captured system say about removals. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { checkUnloadOptions, planOptions } from '../../lib/plan/options'
import { makePlan } from '../../lib/plan/plan'
import { CapturedKernel } from '../../lib/captured/captured-kernel'
import { RootView } from '../../lib/captured/root-view'
import { CapturedSystem, RELEASE } from '../support/captured-system'

let system: CapturedSystem
beforeEach(() => (system = new CapturedSystem().addModules()))
afterEach(() => system.remove())

const open = (): CapturedKernel =>
  new CapturedKernel(new RootView(system.root), {
    release: RELEASE,
    moduleDirectory: `/lib/modules/${RELEASE}`,
    configPaths: null,
  })
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

test('names and aliases in the load lists are modules that were loaded on purpose', async () => {
  system
    .write('etc/modules', '# llc\n  rtnl-link-dummy\t\n')
    .write('usr/lib/modules-load.d/a.conf', ';dummy\nstp\n')
    .write('usr/lib/modules-load.d/b.list', 'llc\n')
  expect(await configured()).toEqual(['dummy', 'stp'])
})

test('the first folder with a name wins, also by an empty file or a link to /dev/null', async () => {
  system
    .write('etc/modules-load.d/a.conf', '')
    .write('usr/lib/modules-load.d/a.conf', 'stp\n')
    .link('/dev/null', 'run/modules-load.d/b.conf')
    .write('lib/modules-load.d/b.conf', 'llc\n')
    .write('etc/modules-load.d/modules.conf', '')
    .write('etc/modules', 'dummy\n')
  expect(await configured()).toEqual(['dummy'])
})

test('load lists that change are noticed, and links that lead out are not followed', async () => {
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
      const { steps, unreadable } = await makePlan(open(), ['dummy', 'rtnl-link-dummy'], OPTIONS)
      expect(steps).toEqual([
        { action: 'run', module: 'dummy', reason: 'target', command: '/bin/true' },
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

test('a load list that cannot be read is reported beside the policies', async () => {
  system
    .write('etc/modprobe.d/a.conf', 'remove dummy /bin/true\n')
    .write('etc/modules-load.d/huge.conf', 'x'.repeat(2 * 1024 * 1024))
  const { policies, unreadable } = await open().index.policies(ALL)
  expect([...policies.keys()]).toEqual(['dummy'])
  expect(unreadable).toEqual([expect.stringMatching(/^the load lists: .*huge\.conf/)])
})

test('what a module needs is what modules.dep has', async () => {
  expect(await open().index.needs(['stp', 'llc', 'nothing'])).toEqual([['llc'], [], []])
})

test('parameters and the source version are read inside of the root', async () => {
  writeFileSync(join(system.folder, 'outside'), 'hostile\n')
  system
    .write('sys/module/llc/parameters/one', '1\n')
    .write('sys/module/llc/parameters/lines', 'a\n\n')
    .write('sys/module/llc/srcversion', 'ABCDEF\n')
    .link('../../../../../outside', 'sys/module/llc/parameters/out')
  const kernel = open()
  expect(await kernel.parameters('llc')).toEqual(
    new Map([
      ['lines', 'a\n'],
      ['one', '1'],
    ]),
  )
  expect(await kernel.sourceVersion('llc')).toBe('ABCDEF')
  expect(await kernel.parameters('nothing')).toEqual(new Map())
  expect(await kernel.sourceVersion('nothing')).toBeNull()
})

test('no command is run, and nobody is told of changes', () => {
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
