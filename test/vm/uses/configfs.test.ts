/** The table of uses: what is created in configfs. */
import { testUses, type Use } from '../use-table'

const ROOT = '/sys/kernel/config'
const mount = `mountpoint -q ${ROOT} || mount -t configfs none ${ROOT}`

/** `folders` are created in this order; the last one is the user. */
const item = (
  module: string,
  folders: readonly string[],
  references: number,
  more: Partial<Use> = {},
): Use => ({
  module,
  what: folders.at(-1)!,
  begin: [mount, ...folders.map((folder) => `mkdir ${ROOT}/${folder}`)].join('; '),
  end: [...folders.map((folder) => `rmdir ${ROOT}/${folder}`)].reverse().join('; '),
  user: { kind: 'configfs', name: `${ROOT}/${folders.at(-1)!}`, references },
  ...more,
})

const lower = (path: string, references: number): Use['user'] => ({
  kind: 'configfs',
  name: `${ROOT}/${path}`,
  references,
})

testUses([
  item('null_blk', ['nullb/uses'], 2, { load: ['null_blk', 'nr_devices=0'] }),
  item('netconsole', ['netconsole/uses'], 2),
  item('nvmet', ['nvmet/subsystems/uses'], 2),
  item('nvmet', ['nvmet/subsystems/uses', 'nvmet/subsystems/uses/namespaces/1'], 2, {
    user: lower('nvmet/subsystems/uses', 2),
    command: false,
  }),
  item('libcomposite', ['usb_gadget/uses'], 2),
  item('libcomposite', ['usb_gadget/uses', 'usb_gadget/uses/configs/c.1'], 2, {
    user: lower('usb_gadget/uses', 2),
    command: false,
  }),
  item('usb_f_acm', ['usb_gadget/uses', 'usb_gadget/uses/functions/acm.0'], 2, {
    load: ['-a', 'libcomposite', 'usb_f_acm'],
  }),
  item('target_core_mod', ['target/core/fileio_0'], 2, {
    // The kernel loads all of them for the first backend.
    load: ['-a', ...['file', 'iblock', 'pscsi', 'user'].map((name) => `target_core_${name}`)],
  }),
  item('target_core_file', ['target/core/fileio_0', 'target/core/fileio_0/uses'], 1, {
    load: ['-a', 'target_core_mod', 'target_core_file'],
    user: lower('target/core/fileio_0', 1),
    command: false,
  }),
  item('tcm_loop', ['target/loopback', 'target/loopback/naa.5001405aaaaaaaaa'], 1, {
    user: lower('target/loopback', 1),
    command: false,
  }),
])
