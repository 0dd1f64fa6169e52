/** What the guard finds for the keyboard and the display of a machine. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { kmod } from 'node-kmod'
import { attempt, afterThisTest, modprobe, rejection, removeModules, until } from '../support'
import { effectsOn } from '../users'

const DRIVER = '/sys/bus/serio/drivers/atkbd'

/** The handlers of input devices that are keyboards, from the kernel's own list. */
function keyboards(): { name: string; input: string }[] {
  return readFileSync('/proc/bus/input/devices', 'utf8')
    .split('\n\n')
    .filter((device) => /^H: .*\bkbd\b/m.test(device))
    .map((device) => ({
      name: /^N: Name="(.*)"$/m.exec(device)![1]!,
      input: /^S: Sysfs=.*\/(input\d+)$/m.exec(device)![1]!,
    }))
}

const usbKeyboard = () => keyboards().find(({ name }) => name.includes('USB'))

describe('a machine with a keyboard on PS/2 and one on USB', () => {
  beforeEach(async () => {
    modprobe('xhci_pci')
    modprobe('usbhid')
    modprobe('hid_generic')
    await until('the USB keyboard is there', () => usbKeyboard() !== undefined)
  })
  afterEach(() => {
    removeModules('hid_generic', 'usbhid', 'xhci_pci')
    attempt('modprobe', ['-r', 'bochs'])
  })

  test('loses one of two keyboards with its driver, or with the driver of its controller', async () => {
    expect(keyboards()).toHaveLength(2)
    const effect = `disruptive input:${usbKeyboard()!.input}`
    for (const module of ['hid_generic', 'usbhid', 'xhci_pci']) {
      expect([module, await effectsOn(module)]).toEqual([module, [effect]])
    }
  })

  test('may not lose the only keyboard while a display is in use', async () => {
    const [port] = readdirSync(DRIVER).filter((name) => name.startsWith('serio'))
    afterThisTest(() => writeFileSync(`${DRIVER}/bind`, port!))
    writeFileSync(`${DRIVER}/unbind`, port!)
    expect(keyboards()).toHaveLength(1)
    const { input } = usbKeyboard()!
    expect(await effectsOn('usbhid')).toEqual([`disruptive input:${input}`])

    modprobe('bochs')
    await until('the display is in use', () =>
      readdirSync('/sys/class/drm').some((name) => name.startsWith('card0-')),
    )
    expect(await effectsOn('bochs')).toEqual([expect.stringMatching(/^critical display:card0-/)])
    expect(await effectsOn('usbhid')).toEqual([`critical input:${input}`])
    const error = await rejection(kmod.unload('hid_generic'))
    expect(error).toMatchObject({
      code: 'ERR_KMOD_CRITICAL',
      effect: { kind: 'input', subject: input, module: 'hid_generic' },
    })
    expect(usbKeyboard()).toBeDefined()
    await kmod.unload('hid_generic', { allow: [`input:${input}`] })
    expect(usbKeyboard()).toBeUndefined()
  })
})
