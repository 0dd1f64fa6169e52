// A test of a driver that leaves nothing behind, and that fails if the kernel reported a fault. With
// node:test; in Jest, `beforeEach` and `afterEach` do the same:
//
//   let modules
//   beforeEach(async () => { modules = await kmod.scope() })
//   afterEach(async () => {
//     const { clean, leftovers } = await modules.check()
//     await modules.dispose()
//     expect({ clean, leftovers }).toEqual({ clean: true, leftovers: [] })
//   })
//
//   sudo node examples/scope-in-a-test.mjs
import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { afterEach, beforeEach, test } from 'node:test'
import { kmod } from 'node-kmod'

let modules
beforeEach(async () => {
  modules = await kmod.scope()
})
afterEach(async () => {
  const { clean, leftovers, messages } = await modules.check()
  await modules.dispose()
  assert.notEqual(clean, false, `the kernel reported a fault: ${messages?.join('\n')}`)
  assert.deepEqual(leftovers, [])
})

test('dummy makes as many interfaces as it is told', async () => {
  await modules.load('dummy', { parameters: { numdummies: 2 } })
  const interfaces = readdirSync('/sys/class/net').filter((name) => name.startsWith('dummy'))
  assert.deepEqual(interfaces, ['dummy0', 'dummy1'])
})

test('nothing is left of the test before', async () => {
  assert.equal(await kmod.isLoaded('dummy'), false)
})
