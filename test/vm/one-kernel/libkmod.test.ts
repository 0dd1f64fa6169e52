/** node-kmod/libkmod on a running kernel, compared with lsmod and /sys/module. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Context } from 'node-kmod/libkmod'
import { nodeAsOtherUser, NOBODY } from '../processes'
import {
  afterThisTest,
  describeWithTestModules,
  isInKernel,
  isState,
  letReturn,
  lsmod,
  modprobe,
  rejection,
  removeModules,
  until,
} from '../support'

let context: Context
beforeEach(() => (context = new Context()))
afterEach(() => context.close())

const namesOf = (modules: readonly { name: string }[]): string[] => modules.map(({ name }) => name)

test('the loaded modules, their sizes, reference counts and holders are those of lsmod', async () => {
  modprobe('br_netfilter')
  const modules = await context.modulesFromLoaded()
  const rows = lsmod()
  expect(namesOf(modules)).toEqual(rows.map(({ name }) => name))
  for (const [i, module] of modules.entries()) {
    const { size, count, users } = rows[i]!
    expect(await module.size()).toBe(size)
    expect(await module.refCount()).toBe(count)
    expect(namesOf(await module.holders()).sort()).toEqual(users.sort())
    expect(await module.initState()).toBe('live')
  }
  removeModules('br_netfilter', 'bridge', 'stp', 'llc')
})

test('sections() has the addresses of /sys/module', async () => {
  modprobe('llc')
  const folder = '/sys/module/llc/sections'
  const sections = await (await context.moduleFromName('llc')).sections()
  const expected = readdirSync(folder).map((name) => ({
    name,
    address: BigInt(readFileSync(join(folder, name), 'latin1').trim()),
  }))
  expect(expected.length).toBeGreaterThan(5)
  expect(expected.some(({ address }) => address > 0xffff_0000_0000_0000n)).toBe(true)
  expect(sections.sort((a, b) => (a.name < b.name ? -1 : 1))).toEqual(
    expected.sort((a, b) => (a.name < b.name ? -1 : 1)),
  )
  removeModules('llc')
})

test('insert() and remove() make one call each, and fail with the errno of the kernel', async () => {
  const dummy = await context.moduleFromName('dummy')
  await dummy.insert({ parameters: 'numdummies=2' })
  afterThisTest(() => isInKernel('dummy') && removeModules('dummy'))
  expect(readdirSync('/sys/class/net')).toEqual(expect.arrayContaining(['dummy0', 'dummy1']))
  expect(await rejection(dummy.insert())).toMatchObject({
    code: 'ERR_KMOD_ALREADY_LOADED',
    errno: -17,
    errnoCode: 'EEXIST',
    syscall: 'kmod_module_insert_module',
    module: 'dummy',
  })
  await dummy.remove()
  expect(isInKernel('dummy')).toBe(false)
  expect(await rejection(dummy.remove())).toMatchObject({
    code: 'ERR_KMOD_NOT_LOADED',
    errno: -2,
    errnoCode: 'ENOENT',
    syscall: 'kmod_module_remove_module',
  })

  // insert() takes no dependencies along, and remove() no holders.
  const stp = await context.moduleFromName('stp')
  expect(await rejection(stp.insert())).toMatchObject({ errnoCode: 'ENOENT' })
  modprobe('stp')
  expect(await rejection((await context.moduleFromName('llc')).remove())).toMatchObject({
    code: 'ERR_KMOD_SYSTEM',
    errno: -11,
    errnoCode: 'EAGAIN',
    syscall: 'kmod_module_remove_module',
  })
  await stp.remove()
  await (await context.moduleFromName('llc')).remove()
  expect(isInKernel('llc')).toBe(false)
})

test('another user can look, but not change anything', () => {
  modprobe('dummy')
  const { status, stdout, stderr } = nodeAsOtherUser(
    NOBODY,
    `const { Context } = require('node-kmod/libkmod')
     ;(async () => {
       const context = new Context()
       const dummy = await context.moduleFromName('dummy')
       const error = ({ code, errnoCode, syscall }) => ({ code, errnoCode, syscall })
       console.log(JSON.stringify([await dummy.initState(), await dummy.refCount(),
         await dummy.remove().catch(error), await dummy.insert().catch(error)]))
     })()`,
  )
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  const refused = { code: 'ERR_KMOD_PERMISSION', errnoCode: 'EPERM' }
  expect(JSON.parse(stdout)).toEqual([
    'live',
    0,
    { ...refused, syscall: 'kmod_module_remove_module' },
    { ...refused, syscall: 'kmod_module_insert_module' },
  ])
  removeModules('dummy')
})

describeWithTestModules('while an exit function hangs', () => {
  test('remove() rejects with ERR_KMOD_HUNG, and the module is going', async () => {
    modprobe('kmodtest_hang_exit')
    afterThisTest(async () => {
      letReturn('kmodtest_hang_exit')
      await until('the module is removed', () => !isInKernel('kmodtest_hang_exit'))
    })
    const module = await context.moduleFromName('kmodtest_hang_exit')
    expect(await rejection(module.remove({ hungAfter: 300 }))).toMatchObject({
      code: 'ERR_KMOD_HUNG',
      module: 'kmodtest_hang_exit',
      pid: expect.any(Number) as number,
    })
    expect(isState('kmodtest_hang_exit', 'Unloading')).toBe(true)
    expect(await module.initState()).toBe('going')
    expect(await module.refCount()).toBe(-1)
  })
})
