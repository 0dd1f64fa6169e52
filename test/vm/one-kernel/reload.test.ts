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
  rejection,
  removeModules,
  run,
  setParameter,
  temporaryFolder,
  until,
} from '../support'

const attribute = (path: string): string => readFileSync(`/sys/module/${path}`, 'utf8').trim()

/** A copy of an installed module: unpacked, without its signature, and with another srcversion. */
function otherVersion(module: string, change: (bytes: Buffer) => void = () => undefined): string {
  const file = join(temporaryFolder(), `${module}.ko`)
  const installed = run('modinfo', ['-n', module]).trim()
  const tool = installed.endsWith('.xz') ? 'xz -dc' : 'cat'
  run('sh', ['-c', `${tool} ${installed} > ${file}`])
  const bytes = withoutSignature(readFileSync(file))
  const at = bytes.indexOf('srcversion=')
  if (at > 0) bytes.write('OTHERVERSION', at + 'srcversion='.length)
  change(bytes)
  writeFileSync(file, bytes)
  return file
}

/** The kernel refuses a file whose signature does not fit. Source: include/linux/module_signature.h. */
function withoutSignature(bytes: Buffer): Buffer {
  const marker = Buffer.from('~Module signature appended~\n')
  if (!bytes.subarray(-marker.length).equals(marker)) return bytes
  const end = bytes.length - marker.length
  return bytes.subarray(0, end - 12 - bytes.readUInt32BE(end - 4))
}

test('the case of a driver installer: a new bridge with br_netfilter on top', async () => {
  modprobe('br_netfilter')
  const before = attribute('bridge/srcversion')
  const file = otherVersion('bridge')
  const report = await kmod.reload({ file }, { holders: 'remove' })
  expect(report).toMatchObject({
    removed: ['br_netfilter', 'bridge'],
    loaded: ['bridge', 'br_netfilter'],
    notRestored: [],
    parametersLost: [],
  })
  expect(attribute('bridge/srcversion')).toMatch(/^OTHERVERSION/)
  for (const name of ['br_netfilter', 'bridge', 'stp', 'llc']) expect(isInKernel(name)).toBe(true)
  // From the index, the old version comes back.
  await kmod.reload('bridge', { holders: 'remove' })
  expect(attribute('bridge/srcversion')).toBe(before)
})

describeWithTestModules('with the test modules', () => {
  afterEach(() =>
    removeModules('kmodtest_params', 'kmodtest_top', 'kmodtest_middle', 'kmodtest_base'),
  )

  test('a chain of modules is unloaded and loaded in order', async () => {
    modprobe('kmodtest_top')
    const report = await kmod.reload('kmodtest_base', { holders: 'remove' })
    expect(report.removed).toEqual(['kmodtest_top', 'kmodtest_middle', 'kmodtest_base'])
    expect(report.loaded).toEqual(report.removed.toReversed())
    expect(report.clean).toBe(true)
    expect(isInKernel('kmodtest_top')).toBe(true)
  })

  test('a new file that the kernel refuses leaves the old modules running', async () => {
    modprobe('kmodtest_top')
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
    modprobe('dummy')
    const targets = ['dummy', 'kmodtest_hang_init']
    const error = await rejection(kmod.reload(targets, { hungAfter: 3_000 }))
    expect(error).toMatchObject({ code: 'ERR_KMOD_HUNG', module: 'kmodtest_hang_init' })
    expect(error.report!.restored).toEqual(['dummy'])
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
