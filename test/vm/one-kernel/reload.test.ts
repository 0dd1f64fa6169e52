/** reload() and scope(), compared with the kernel's module table and its parameters in /sys. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Kmod, kmod } from 'node-kmod'
import {
  describeWithTestModules,
  isInKernel,
  isState,
  letReturn,
  modprobe,
  MODULE_DIRECTORY,
  rejection,
  removeModules,
  run,
  setParameter,
  temporaryFolder,
  until,
} from '../support'

const EXTRA = `${MODULE_DIRECTORY}/extra`
const attribute = (path: string): string => readFileSync(`/sys/module/${path}`, 'utf8').trim()

test('the case of a driver installer: br_netfilter on top of bridge', async () => {
  modprobe('br_netfilter')
  const file = join(temporaryFolder(), 'bridge.ko')
  const installed = run('modinfo', ['-n', 'bridge']).trim()
  if (installed.endsWith('.xz')) writeFileSync(file, run64('xz', installed))
  else writeFileSync(file, readFileSync(installed))
  const report = await kmod.reload({ file }, { holders: 'remove' })
  expect(report).toMatchObject({
    removed: ['br_netfilter', 'bridge'],
    loaded: ['bridge', 'br_netfilter'],
    notRestored: [],
    parametersLost: [],
  })
  for (const name of ['br_netfilter', 'bridge', 'stp', 'llc']) expect(isInKernel(name)).toBe(true)
})

/** The unpacked bytes of a compressed module. */
function run64(tool: string, path: string): Buffer {
  return Buffer.from(run('sh', ['-c', `${tool} -dc ${path} | base64 -w0`]), 'base64')
}

describeWithTestModules('with the test modules', () => {
  afterEach(() =>
    removeModules('kmodtest_params', 'kmodtest_top', 'kmodtest_middle', 'kmodtest_base'),
  )

  /** A copy of a module file with another srcversion, which the kernel does not check. */
  function otherVersion(module: string, change: (bytes: Buffer) => void = () => undefined): string {
    const bytes = readFileSync(join(EXTRA, `${module}.ko`))
    const at = bytes.indexOf('srcversion=')
    expect(at).toBeGreaterThan(0)
    bytes.write('OTHERVERSION', at + 'srcversion='.length)
    change(bytes)
    const file = join(temporaryFolder(), `${module}.ko`)
    writeFileSync(file, bytes)
    return file
  }

  test('another version of a module, with a chain of modules on top', async () => {
    modprobe('kmodtest_top')
    const before = attribute('kmodtest_base/srcversion')
    const file = otherVersion('kmodtest_base')
    const report = await kmod.reload({ file }, { holders: 'remove' })
    expect(report.removed).toEqual(['kmodtest_top', 'kmodtest_middle', 'kmodtest_base'])
    expect(report.loaded).toEqual(report.removed.toReversed())
    expect(report.clean).toBe(true)
    expect(attribute('kmodtest_base/srcversion')).toMatch(/^OTHERVERSION/)
    expect(isInKernel('kmodtest_top')).toBe(true)
    // From the index, the old version comes back.
    await kmod.reload('kmodtest_base', { holders: 'remove' })
    expect(attribute('kmodtest_base/srcversion')).toBe(before)
  })

  test('a new file that the kernel refuses leaves the old modules running', async () => {
    modprobe('kmodtest_top')
    const before = attribute('kmodtest_base/srcversion')
    const breakVermagic = (bytes: Buffer): void => {
      const at = bytes.indexOf('mod_unload')
      bytes.write('mod_broken', at)
    }
    const file = otherVersion('kmodtest_base', breakVermagic)
    const error = await rejection(kmod.reload({ file }, { holders: 'remove' }))
    expect(error).toMatchObject({ code: 'ERR_KMOD_LOAD', errnoCode: 'ENOEXEC', loaded: [] })
    expect(error.message).toContain('mod_broken')
    expect(error.report).toMatchObject({
      restored: ['kmodtest_base', 'kmodtest_middle', 'kmodtest_top'],
      notRestored: [],
    })
    expect(attribute('kmodtest_base/srcversion')).toBe(before)
    expect(isInKernel('kmodtest_top')).toBe(true)
  })

  test('parameters: given, set at run time, and lost', async () => {
    modprobe('kmodtest_params', 'number=3', 'text=hello')
    setParameter('kmodtest_params', 'flag', '1')
    const report = await kmod.reload('kmodtest_params', { parameters: { list: [1, 2] } })
    const value = (name: string): string => attribute(`kmodtest_params/parameters/${name}`)
    // sysfs can write number and flag, not text.
    expect([value('number'), value('flag'), value('list')]).toEqual(['3', 'Y', '1,2'])
    expect(report.parametersLost).toEqual([
      { module: 'kmodtest_params', name: 'text', before: 'hello', after: 'nothing' },
    ])
  })

  test('between replaces a configuration, and can make the reload fail', async () => {
    const folder = temporaryFolder()
    const configured = new Kmod({ configPaths: [folder] })
    modprobe('kmodtest_params')
    const between = (): void =>
      writeFileSync(join(folder, 'a.conf'), 'options kmodtest_params number=42\n')
    await configured.reload('kmodtest_params', { between })
    expect(attribute('kmodtest_params/parameters/number')).toBe('42')
    const failing = kmod.reload('kmodtest_params', {
      between: () => {
        expect(isInKernel('kmodtest_params')).toBe(false)
        throw new Error('no')
      },
    })
    expect((await rejection(failing)).code).toBe('ERR_KMOD_CALLBACK')
    expect(isInKernel('kmodtest_params')).toBe(true)
  })

  test('an init function that hangs: what does not need it is restored', async () => {
    modprobe('kmodtest_params')
    const targets = ['kmodtest_params', 'kmodtest_hang_init']
    const error = await rejection(kmod.reload(targets, { hungAfter: 3_000 }))
    expect(error).toMatchObject({ code: 'ERR_KMOD_HUNG', module: 'kmodtest_hang_init' })
    expect(error.report!.restored).toEqual(['kmodtest_params'])
    letReturn('kmodtest_hang_init')
    await until('it is loaded', () => isState('kmodtest_hang_init', 'Live'))
    removeModules('kmodtest_hang_init')
  })

  test('a scope leaves nothing, and tells what the kernel reported', async () => {
    const scope = await kmod.scope()
    await scope.load('kmodtest_top')
    await scope.load('kmodtest_warn_exit')
    expect(await scope.check()).toMatchObject({ clean: true, leftovers: [] })
    modprobe('dummy')
    await kmod.unload('kmodtest_warn_exit')
    const check = await scope.check()
    expect(check).toMatchObject({ clean: false, leftovers: ['dummy'] })
    const report = await scope.dispose()
    expect(new Set(report.removed)).toEqual(
      new Set(['kmodtest_top', 'kmodtest_middle', 'kmodtest_base']),
    )
    expect(report.absent).toEqual(['kmodtest_warn_exit'])
    expect(isInKernel('kmodtest_base')).toBe(false)
    expect(isInKernel('dummy')).toBe(true)
  })
})
