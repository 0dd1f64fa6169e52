/** `onFailure: 'restore'` and the configuration, compared with the kernel's module table. */
import { cpSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { Kmod, type UnloadReport } from 'node-kmod'
import { removeModules, isInKernel, modprobe, MODULE_DIRECTORY, rejection } from '../support'

const CONFIG = '/tmp/restore-test.conf'
const MODULES = '/tmp/restore-test-modules'
afterEach(() => {
  rmSync(CONFIG, { force: true })
  rmSync(MODULES, { recursive: true, force: true })
  removeModules('dummy', 'stp', 'llc')
})

/** Removes the modules, fails after the last of them, and restores. */
async function restore(
  config: string,
  names: string[],
  meanwhile: () => void = () => undefined,
): Promise<UnloadReport> {
  writeFileSync(CONFIG, config)
  const kmod = new Kmod({ configPaths: [CONFIG] })
  const last = names.at(-1)!
  const { report } = await rejection(
    kmod.unload(names, {
      onFailure: 'restore',
      onStep: ({ step, state }) => {
        if (step.module !== last || state !== 'done') return
        meanwhile()
        throw new Error('stop here')
      },
    }),
  )
  for (const module of report!.restored) expect(isInKernel(module)).toBe(true)
  for (const { module } of report!.notRestored) expect(isInKernel(module)).toBe(false)
  return report!
}

test('an install command that loads nothing restores nothing', async () => {
  modprobe('dummy')
  expect(await restore('install dummy /bin/true\n', ['dummy'])).toMatchObject({
    removed: ['dummy'],
    restored: [],
    notRestored: [{ module: 'dummy' }],
  })
})

test.each(['off', 'stp'])('`alias X %s` does not count for a module X', async (alias) => {
  modprobe('dummy')
  expect(await restore(`alias dummy ${alias}\n`, ['dummy'])).toMatchObject({
    restored: ['dummy'],
    notRestored: [],
  })
  expect(isInKernel('stp')).toBe(false)
})

test('a module that something else loads first is restored', async () => {
  modprobe('dummy')
  expect(await restore('', ['dummy'], () => modprobe('dummy'))).toMatchObject({
    restored: ['dummy'],
    reappeared: ['dummy'],
    notRestored: [],
  })
})

test('a parameter with permission 0 is lost, and reported', async () => {
  modprobe('dummy', 'numdummies=0')
  expect((await restore('', ['dummy'])).parametersLost).toEqual([
    { module: 'dummy', name: 'numdummies', before: null, after: null },
  ])
})

test.each(['modules.symbols.bin', 'modules.dep.bin'])(
  'an empty %s leaves remove commands and load lists in force',
  async (index) => {
    cpSync(MODULE_DIRECTORY, MODULES, {
      recursive: true,
      filter: (path) => path === MODULE_DIRECTORY || /\/modules\.[^/]*$/.test(path),
    })
    truncateSync(`${MODULES}/${index}`)
    writeFileSync(CONFIG, 'remove dummy /bin/true\n')
    const kmod = new Kmod({ moduleDirectory: MODULES, configPaths: [CONFIG] })
    modprobe('dummy')
    expect(await rejection(kmod.unload('dummy'))).toMatchObject({
      code: 'ERR_KMOD_REMOVE_COMMAND',
      shell: '/bin/true',
    })
    expect(isInKernel('dummy')).toBe(true)
    expect((await kmod.plan('dummy')).unreadable).toContainEqual(
      expect.stringContaining(`${index} is damaged`),
    )
  },
)
