import { Kmod } from '../../lib/kmod'
import { rejection } from '../support/rejection'
import { SimulatedKernel } from '../../lib/testing/simulated-kernel'

let kernel: SimulatedKernel
let kmod: Kmod
beforeEach(() => {
  kernel = new SimulatedKernel().addToIndex({ name: 'ext4', builtin: true }, { name: 'dummy' })
  kmod = Kmod.over(kernel)
})

const blocker = async (name: string, options = {}) =>
  (await kmod.plan(name, options)).blockers[0]!.message

test('a blocker and the errors of the calls have the same words', async () => {
  kernel.add('fixed', { permanent: true })
  const builtin = await blocker('ext4')
  expect((await rejection(kmod.holders('ext4'))).message).toBe(builtin)
  expect((await rejection(kmod.load('ext4', { mustBeNew: true }))).message).toBe(builtin)
  expect((await rejection(kmod.unload('ext4'))).message).toBe(builtin)
  const notLoaded = await blocker('dummy', { mustBeLoaded: true })
  expect((await rejection(kmod.remove('dummy'))).message).toBe(notLoaded)
  const permanent = await blocker('fixed')
  expect((await rejection(kmod.remove('fixed'))).message).toBe(permanent)
})

test('an unknown name is described in the same words, with advice for the call', async () => {
  const messages = [
    await blocker('nowhere'),
    (await rejection(kmod.load('nowhere'))).message,
    (await rejection(kmod.info('nowhere'))).message,
    (await rejection(kmod.holders('nowhere'))).message,
    (await rejection(kmod.explain('nowhere'))).message,
  ]
  const common = 'The module index has no module or alias nowhere. '
  for (const message of messages) expect(message.slice(0, common.length)).toBe(common)
  expect(messages[0]).toContain('allowUnknown: true')
  expect(messages[1]).toContain('load({ file })')
  expect(messages[2]).toContain('info({ file })')
})

test('preflight reports a problem in the words of the error that a change would give', async () => {
  kernel.add('dummy')
  kernel.factsNow.capability = false
  const { message } = await rejection(kmod.remove('dummy'))
  const [problem] = (await kmod.preflight()).problems
  expect(message).toBe(`Cannot remove module dummy. ${problem!.message}`)
})

test('a module in use is described by what may hold it', async () => {
  kernel.add('tun', { references: 2 })
  expect(await blocker('tun')).toBe(
    'Module tun is in use: 2 references held by something other than a module (an open device, ' +
      "a mount, a socket, an interface). explain('tun') lists what uses it.",
  )
})

describe('a wrong name', () => {
  const messages = async (name: string): Promise<string[]> => [
    await blocker(name),
    (await rejection(kmod.load(name))).message,
    (await rejection(kmod.explain(name))).message,
    (await rejection(kmod.impact(name))).message,
  ]

  test('brings the nearest name of the module index', async () => {
    const all = await messages('dumy')
    all.push((await rejection(kmod.info('dumy'))).message)
    all.push((await rejection(kmod.holders('dumy'))).message)
    kernel.addToIndex({ name: 'snd_hda_intel' })
    all.push(
      ...(await messages('snd-hda-intl')).map((one) => one.replace('snd_hda_intel', 'dummy')),
    )
    for (const message of all) expect(message).toContain('. Did you mean "dummy"?')
  })

  test('brings the nearest name of a loaded module, which need not be in the index', async () => {
    kernel.add('outoftree')
    for (const message of await messages('outoftre')) {
      expect(message).toContain('. Did you mean "outoftree"?')
    }
  })

  test('brings no name where none is similar', async () => {
    for (const message of await messages('nowhere')) {
      expect(message).toContain('. Check the spelling. ')
      expect(message).not.toContain('Did you mean')
    }
  })

  test.each([
    'dummy.ko',
    './dummy.ko',
    '/lib/modules/6.1/dummy.ko.xz',
    '../build/dummy',
    'dummy.ko.zst',
  ])('that is the name of a file, such as %p, is told so', async (file) => {
    const named = 'Give the module name, without folder and file ending, here "dummy"'
    for (const message of await messages(file)) {
      expect(message).toContain(file)
      expect(message).toContain(named)
      expect(message).toContain('info({ file })')
      expect(message).toContain('load({ file })')
    }
    for (const call of [kmod.find(file), kmod.remove(file), kmod.info(file), kmod.status(file)]) {
      const error = await rejection(call)
      expect(error).toMatchObject({ name: 'TypeError', code: 'ERR_INVALID_ARG_VALUE' })
      expect(error.message).toContain(named)
    }
  })

  test.each(['dmi:bvnX:bd01/30/2019', 'devname:snd/seq', 'a.b'])(
    'is not taken for a file if it is an alias such as %p',
    async (alias) => {
      for (const message of await messages(alias)) expect(message).not.toContain('file,')
    },
  )
})
