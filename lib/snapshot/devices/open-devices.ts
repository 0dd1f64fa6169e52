/** The device files that processes have open, and the modules of which they hold a reference. */
import { posix } from 'node:path'
import type { OpenDevice } from '../../kernel/snapshot'
import type { Sources } from '../system/sources'
import { kvmModules } from './virtual-machines'

export function readOpenDevices(sources: Sources): Promise<OpenDevice[]> {
  return Promise.all(
    sources.raw.openDevices.map(async ({ pid, comm, self, path, fd, type, device }) => {
      const modules = await (type === 'block' ? blockModules : charModules)(device, sources)
      return { pid, comm, self, path, fd, modules }
    }),
  )
}

async function blockModules(device: string, { blockDevices }: Sources): Promise<string[]> {
  const folder = await blockDevices.byNumber(device)
  return folder === null ? [] : blockDevices.driverModules(folder)
}

/**
 * Device numbers. Source: KVM_MINOR and WATCHDOG_MINOR in include/linux/miscdevice.h, INPUT_MAJOR in
 * include/uapi/linux/major.h.
 */
const KVM = '10:232'
const WATCHDOG = '10:130'
const INPUT = '13:'

/**
 * An open input device holds a reference to its handler's module, not to its driver's. Source:
 * drivers/input.
 */
const INPUT_HANDLERS: readonly [pattern: RegExp, module: string][] = [
  [/^event\d+$/, 'evdev'],
  [/^(mouse\d+|mice)$/, 'mousedev'],
  [/^js\d+$/, 'joydev'],
]

/**
 * The module of the nearest driver, and the module that has an alias for the device number. The alias is
 * needed for a misc device (tun, fuse, loop-control), which has no link to its module in /sys.
 */
async function charModules(device: string, { sysfs, aliases }: Sources): Promise<string[]> {
  if (device === KVM) return kvmModules(sysfs)
  // /dev/watchdog opens the same watchdog as /dev/watchdog0. Source: drivers/watchdog/watchdog_dev.c.
  const link = device === WATCHDOG ? '/sys/class/watchdog/watchdog0' : `/sys/dev/char/${device}`
  const [folder, byNumber] = await Promise.all([sysfs.link(link), aliases.ofCharDevice(device)])
  if (folder === null) return byNumber
  if (device.startsWith(INPUT)) {
    const name = posix.basename(folder)
    const handlers = INPUT_HANDLERS.flatMap(([pattern, module]) =>
      pattern.test(name) ? [module] : [],
    )
    return [...new Set([...handlers, ...byNumber])]
  }
  const [driver] = await sysfs.drivers(folder)
  return [...new Set([...(driver?.module == null ? [] : [driver.module]), ...byNumber])]
}
