/** Devices, keyboards and displays of captured systems, also of damaged ones. */
import { effectsOf } from '../../lib/guard/effects'
import type { Snapshot } from '../../lib/kernel/snapshot'
import { buildSnapshot } from '../../lib/snapshot/build'
import {
  aliasIndex,
  effectsOn,
  filesOf,
  snapshotOf,
  surveyOf,
  usersOf,
} from '../support/captured-snapshot'
import { CapturedSystem } from '../support/captured-system'
import { fillLaptop, LAPTOP_ALIASES } from '../support/laptop'
import { SysfsWriter } from '../support/sysfs'

let system: CapturedSystem
let sysfs: SysfsWriter
beforeEach(() => {
  system = new CapturedSystem()
  sysfs = new SysfsWriter(system)
})
afterEach(() => system.remove())

describe('devices of ACPI and PNP, whose drivers set no owner', () => {
  const modules = (snapshot: Snapshot): unknown[] =>
    snapshot.boundDevices.map(({ device, driver, modules: all }) => [device, driver, ...all])
  beforeEach(() => {
    const table = ['button', 'parport_pc', 'battery', 'idle']
    system.write('proc/modules', table.map((name) => `${name} 1 0 - Live 0x0\n`).join(''))
    const device = (
      bus: string,
      name: string,
      driver: string,
      file: string,
      text: string,
    ): void => {
      const folder = sysfs.device(`virtual/${bus}/${name}`, { bus, name: driver, module: null })
      system.write(`${folder}/${file}`, text)
    }
    device('acpi', 'LNXPWRBN:00', 'button', 'modalias', 'acpi:LNXPWRBN:\n')
    device('acpi', 'LNXTHERM:00', 'thermal', 'modalias', 'acpi:LNXTHERM:\n')
    device('pnp', '00:03', 'parport_pc', 'id', 'PNP0400\nPNP0401\n')
    sysfs.device('virtual/acpi/PNP0C0A:00', { bus: 'acpi', name: 'battery', module: 'battery' })
  })
  const ALIASES = {
    'acpi:LNXPWRBN:*': 'button',
    'acpi:LNXTHERM:*': 'thermal',
    'pnp:dPNP0401*': 'parport_pc',
  }

  test('are found by what they call themselves, also without users', async () => {
    const snapshot = await snapshotOf(system, ALIASES, false)
    expect(modules(snapshot).sort()).toEqual([
      ['00:03', 'parport_pc', 'parport_pc'],
      ['LNXPWRBN:00', 'button', 'button'],
      ['PNP0C0A:00', 'battery', 'battery'],
    ])
  })
})

describe('keyboards', () => {
  /** KEY_ESC to KEY_D and more; the second is what a power button has. */
  const LETTERS = '402000007 ff9f207ac14057ff febeffdfffefffff fffffffffffffffe\n'
  const POWER = '10000000000000 0\n'
  const input = (path: string, name: string, keys: string): void => {
    const files = { 'capabilities/key': keys, name: `${name}\n` }
    sysfs.classDevice('input', path, files)
  }

  test('are the input devices with letters that have a driver', async () => {
    const controller = 'pci0000:00/0000:00:14.0'
    sysfs.device(controller, { bus: 'pci', name: 'xhci_hcd', module: 'xhci_pci' })
    const port = `${controller}/usb2/2-1/2-1:1.0`
    sysfs.device(port, { bus: 'usb', name: 'usbhid', module: 'usbhid' })
    const hid = `${port}/0003:046D:C31C.0001`
    sysfs.device(hid, { bus: 'hid', name: 'hid-generic', module: 'hid_generic' })
    input(`${hid}/input/input5`, 'Logitech USB Keyboard', LETTERS)
    input('LNXSYSTM:00/LNXPWRBN:00/input/input0', 'Power Button', POWER)
    input('virtual/input/input9', 'made by a program', LETTERS)
    const snapshot = await snapshotOf(system, {}, false)
    expect(snapshot.keyboards).toEqual([
      {
        input: 'input5',
        name: 'Logitech USB Keyboard',
        modules: ['hid_generic', 'usbhid', 'xhci_pci'],
      },
    ])
    expect(effectsOn(snapshot, 'xhci_pci')).toEqual(['input:input5'])
  })
})

describe('displays', () => {
  function frameBuffer(path: string, name: string): void {
    sysfs.device(path, { bus: 'pci', name: 'gpu', module: 'gpu' })
    sysfs.classDevice('graphics', `${path}/graphics/fb0`, { name: `${name}\n` })
    const files = { name: '(M) frame buffer device\n', bind: '1\n' }
    sysfs.classDevice('vtconsole', 'virtual/vtconsole/vtcon1', files)
  }

  test('include the text console if its card has no connectors', async () => {
    frameBuffer('pci0000:00/0000:00:02.0', 'VESA VGA')
    const snapshot = await snapshotOf(system)
    expect(effectsOn(snapshot, 'gpu')).toEqual(['display:fb0'])
    expect(usersOf(snapshot, 'gpu', 'console')).toMatchObject([{ name: 'fb0', references: null }])
  })

  test('do not include the text console if no connector of its card has a monitor', async () => {
    const path = 'pci0000:00/0000:00:02.0'
    frameBuffer(path, 'gpudrmfb')
    const files = { status: 'disconnected\n', enabled: 'disabled\n' }
    sysfs.classDevice('drm', `${path}/drm/card0/card0-VGA-1`, files)
    expect(effectsOn(await snapshotOf(system), 'gpu')).toEqual([])
  })
})

describe('files that are damaged or missing', () => {
  const noise = Buffer.from(Array.from({ length: 4096 }, (_, i) => (i * 97) % 256))

  test('do not cause an error', async () => {
    fillLaptop(system)
    for (const path of [
      'proc/crypto',
      'proc/asound/cards',
      'proc/asound/modules',
      'proc/asound/card0/pcm0p/sub0/status',
      'proc/tty/ldiscs',
      'proc/sys/fs/binfmt_misc/qemu-arm',
      'sys/class/drm/card0-eDP-1/status',
      'sys/class/vtconsole/vtcon1/name',
      'sys/class/block/loop1/loop/backing_file',
      'sys/class/block/dm-0/dm/uuid',
      'proc/swaps',
    ]) {
      system.write(path, noise)
    }
    system
      .link('../../devices/gone/block/sdx', 'sys/class/block/sdx')
      .link('../../../bus/pci/drivers/gone', 'sys/module/e1000e/drivers/pci:gone')
      .link('loop', 'sys/class/block/loop')
      .write('sys/class/block/a file', '')
      .write('sys/kernel/debug/kvm/99999999999999999999-1/x', '')
    const snapshot = await snapshotOf(system, LAPTOP_ALIASES)
    expect(snapshot.displays).toEqual([])
    expect(snapshot.mounts.length).toBeGreaterThan(5)
    expect(snapshot.boundDevices.map(({ driver }) => driver)).not.toContain('gone')
    for (const { message } of [...effectsOf(snapshot).values()].flat()) {
      expect(message).not.toMatch(/\p{Cc}/u)
    }
  })

  test('leave the lists of a snapshot empty', async () => {
    const { unreadable, allProcessesRead, ...lists } = await snapshotOf(system)
    for (const list of Object.values(lists)) expect(list).toEqual([])
    expect(unreadable).not.toEqual([])
    expect(allProcessesRead).toBe(false)
  })

  test.each([
    [0, []],
    [30, []],
    [60, [2]],
    [100, [2, 9]],
  ])('are read up to their end: %d bytes of /proc/crypto', async (length, counts) => {
    const text = 'name : a\ndriver : b\nmodule : m\nrefcnt : 2\n\nname : c\nmodule : n\nrefcnt : 9'
    system.write('proc/crypto', text.slice(0, length))
    const { algorithms } = await snapshotOf(system)
    expect(algorithms.map(({ refCount }) => refCount)).toEqual(counts)
  })
})

describe('a virtual machine', () => {
  test('that cannot be seen is reported as unreadable if its module is referenced', async () => {
    system.write('sys/module/kvm_amd/initstate', 'live\n').write('sys/module/kvm_amd/refcnt', '3\n')
    const phrase = expect.stringMatching(/^virtual machines:/) as string
    expect((await snapshotOf(system, {}, false)).unreadable).toContainEqual(phrase)
    expect((await snapshotOf(system, {}, true)).unreadable).not.toContainEqual(phrase)
    system.write('sys/module/kvm_amd/refcnt', '0\n')
    expect((await snapshotOf(system, {}, false)).unreadable).not.toContainEqual(phrase)
  })
})

test('an open watchdog refers to its driver', async () => {
  sysfs.char('virtual/misc/watchdog', '10:130', 'watchdog')
  const device = 'platform/iTCO_wdt.1'
  sysfs.device(device, { bus: 'platform', name: 'iTCO_wdt', module: 'iTCO_wdt' })
  sysfs.classDevice('watchdog', `${device}/watchdog/watchdog0`)
  system.write('proc/5/comm', 'wd\n').link('/dev/watchdog', 'proc/5/fd/3')
  const { openDevices } = await snapshotOf(system)
  expect(openDevices).toMatchObject([{ path: '/dev/watchdog', modules: ['iTCO_wdt', 'watchdog'] }])
})

describe('an open device of a module that has no driver of its own', () => {
  const modulesOf = async (place: string): Promise<readonly string[]> => {
    system.write('proc/modules', 'vgem 1 0 - Live 0x0\n')
    sysfs.char(`${place}/drm/card0`, '226:0', 'dri/card0')
    system.write('proc/5/comm', 'game\n').link('/dev/dri/card0', 'proc/5/fd/3')
    return (await snapshotOf(system)).openDevices[0]!.modules
  }

  test('refers to the module of which the device has the name', async () => {
    expect(await modulesOf('platform/vgem')).toEqual(['vgem', 'drm'])
  })

  test('on the bus faux, whose driver is in the kernel', async () => {
    sysfs.device('faux/vgem', { bus: 'faux', name: 'faux_driver', module: null })
    expect(await modulesOf('faux/vgem')).toEqual(['vgem', 'drm'])
  })

  test('but not if a driver in the kernel has the device', async () => {
    sysfs.device('platform/vgem', { bus: 'platform', name: 'simple', module: null })
    expect(await modulesOf('platform/vgem')).toEqual(['drm'])
  })
})

describe('files on a file system that was unmounted while they are open', () => {
  const holder = { pid: 7, comm: 'sh', self: false, ancestor: false, cgroups: '' }
  const detached = async (device: string, fd: number | null): Promise<Snapshot> => {
    const file = { path: '/held', fd, type: 'detached', device, shared: false } as const
    const raw = { ...(await surveyOf(system)), openDevices: [{ ...holder, ...file }] }
    return buildSnapshot(raw, filesOf(system), aliasIndex({}))
  }
  const isTypeUnknown = ({ unreadable }: Snapshot, where: string): boolean =>
    unreadable.some((phrase) => phrase.startsWith(`the type of the file system ${where},`))

  test('refer to the modules of the file system and of the disk, whatever holds them', async () => {
    sysfs.device('pci0000:00/ata1', { bus: 'pci', name: 'ahci', module: 'ahci' })
    sysfs.block('pci0000:00/ata1/block/sda', '8:0')
    system.write('sys/fs/ext4/sda/options', '')
    for (const fd of [3, null]) {
      const snapshot = await detached('8:0', fd)
      expect(usersOf(snapshot, 'ext4', 'process')).toMatchObject([{ path: '/held', references: 1 }])
      const [user] = usersOf(snapshot, 'ext4', 'process')
      expect(user!.release.text).toContain('/held of an unmounted file system')
      expect(user!.release.text).toContain(fd === null ? 'as its folder' : 'as descriptor 3')
      expect(isTypeUnknown(snapshot, 'on sda')).toBe(false)
    }
  })

  test('are named as unreadable if nothing shows its type, also without a disk', async () => {
    sysfs.block('pci0000:00/ata1/block/sda', '8:0')
    expect(isTypeUnknown(await detached('8:0', 3), 'on sda')).toBe(true)
    expect(isTypeUnknown(await detached('0:45', 3), '0:45')).toBe(true)
  })
})
