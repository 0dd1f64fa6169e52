/** What was created in configfs of a captured system. */
import { configItemUsers } from '../../lib/explain/configfs'
import type { User } from '../../lib/contract/types'
import { snapshotOf } from '../support/captured-snapshot'
import { CapturedSystem } from '../support/captured-system'
import { loaded } from '../support/snapshots'

const ROOT = '/sys/kernel/config'

let system: CapturedSystem
beforeEach(() => {
  system = new CapturedSystem().write(
    'proc/1/mountinfo',
    `1 1 0:2 / / rw - tmpfs none rw\n2 1 0:20 / ${ROOT} rw - configfs none rw\n`,
  )
})
afterEach(() => system.remove())

/** Every item has attributes. */
function folders(...paths: string[]): void {
  for (const path of paths) system.write(`${ROOT}/${path}/attribute`, '')
}

async function users(module: string): Promise<unknown[]> {
  const snapshot = await snapshotOf(system, { 'usbfunc:acm': 'usb_f_acm' })
  return configItemUsers(loaded(module), snapshot).map((user: User) =>
    user.kind === 'configfs'
      ? [user.name.slice(ROOT.length + 1), user.references, user.release.command?.[0] ?? null]
      : user,
  )
}

test('items take references to their subsystem and their type, default folders none', async () => {
  folders('nullb/a', 'nullb/b', 'target/core/alua/lu_gps/default_lu_gp')
  folders('target/core/fileio_0', 'target/core/fileio_0/disk', 'target/core/fileio_0/disk/wwn')
  folders('target/core/fileio_0/disk/alua/default_tg_pt_gp')
  folders('target/iscsi/discovery_auth', 'target/iscsi/iqn.a/fabric_statistics')
  folders('target/iscsi/iqn.a/tpgt_1/lun/lun_0', 'target/iscsi/iqn.a/tpgt_1/param')
  system.write(`${ROOT}/nullb/features`, 'memory_backed\n')
  expect(await users('null_blk')).toEqual([
    ['nullb/a', 2, 'rmdir'],
    ['nullb/b', 2, 'rmdir'],
  ])
  expect(await users('target_core_mod')).toEqual([
    ['target/core/fileio_0', 2, null],
    ['target/core/fileio_0/disk', 1, 'rmdir'],
    ['target/iscsi', 1, null],
    ['target/iscsi/iqn.a', 1, null],
    ['target/iscsi/iqn.a/tpgt_1', 1, null],
    ['target/iscsi/iqn.a/tpgt_1/lun/lun_0', 1, 'rmdir'],
  ])
  expect(await users('target_core_file')).toEqual([
    ['target/core/fileio_0', 1, null],
    ['target/core/fileio_0/disk', 1, 'rmdir'],
  ])
  expect(await users('iscsi_target_mod')).toHaveLength(4)
})

test('a function of a gadget cannot be removed while a configuration links to it', async () => {
  folders('usb_gadget/g/configs/c.1', 'usb_gadget/g/functions/acm.0', 'usb_gadget/g/strings/0x409')
  expect(await users('usb_f_acm')).toEqual([['usb_gadget/g/functions/acm.0', 2, 'rmdir']])
  system.link(`${ROOT}/usb_gadget/g/functions/acm.0`, `${ROOT}/usb_gadget/g/configs/c.1/f`)
  expect(await users('usb_f_acm')).toEqual([['usb_gadget/g/functions/acm.0', 2, null]])
  expect(await users('libcomposite')).toEqual([
    ['usb_gadget/g', 2, null],
    ['usb_gadget/g/configs/c.1', 2, null],
    ['usb_gadget/g/functions/acm.0', 1, null],
    ['usb_gadget/g/strings/0x409', 2, 'rmdir'],
  ])
  const snapshot = await snapshotOf(system)
  const [gadget] = configItemUsers(loaded('libcomposite'), snapshot)
  expect(gadget!.release.text).toContain('configs/c.1')
})

test('without a mount of configfs there is nothing', async () => {
  folders('nullb/a')
  system.write('proc/1/mountinfo', '1 1 0:2 / / rw - tmpfs none rw\n')
  expect(await users('null_blk')).toEqual([])
})
