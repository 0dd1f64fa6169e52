'use strict'
/**
 * The tests of the driver. Each opens a scope and loads the driver in it; afterwards the scope says
 * whether the kernel reported a fault, and unloads what the test loaded.
 */
const { open, readFile } = require('node:fs/promises')
const { kmod } = require('node-kmod')

const DEVICE = '/dev/ci_counter'

let modules
beforeEach(async () => {
  modules = await kmod.scope()
})
afterEach(async () => {
  const { clean, leftovers, messages } = await modules.check()
  await modules.dispose()
  expect({ clean, leftovers, messages }).toMatchObject({ clean: true, leftovers: [] })
})

test('counts from the parameter `first`', async () => {
  await modules.load('ci_counter', { parameters: { first: 7 } })
  expect(await readFile(DEVICE, 'utf8')).toBe('7\n')
  expect(await readFile(DEVICE, 'utf8')).toBe('8\n')
})

test('begins again after a reload', async () => {
  await modules.load('ci_counter')
  await readFile(DEVICE, 'utf8')
  await kmod.reload('ci_counter')
  expect(await readFile(DEVICE, 'utf8')).toBe('0\n')
})

test('stays as long as its device is open, and says who has it open', async () => {
  await modules.load('ci_counter')
  const file = await open(DEVICE)
  try {
    await expect(kmod.unload('ci_counter')).rejects.toMatchObject({
      code: 'ERR_KMOD_IN_USE',
      references: 1,
      users: [{ kind: 'process', path: DEVICE, pid: process.pid }],
    })
  } finally {
    await file.close()
  }
  expect((await kmod.unload('ci_counter')).removed).toContain('ci_counter')
})
