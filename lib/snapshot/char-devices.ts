/** Which modules an open character device refers to. */
import { posix } from 'node:path'
import type { Aliases } from './system/aliases'
import type { Sysfs } from './system/sysfs'
import { kvmModules } from './virtual-machines'

/** Of include/linux/miscdevice.h, and 13 of include/uapi/linux/major.h. */
const KVM = '10:232'
const WATCHDOG = '10:130'
const INPUT = '13:'

/** The drivers of input devices take no reference: their handlers' modules do. Source: drivers/input. */
const INPUT_HANDLERS: readonly [pattern: RegExp, module: string][] = [
  [/^event\d+$/, 'evdev'],
  [/^(mouse\d+|mice)$/, 'mousedev'],
  [/^js\d+$/, 'joydev'],
]

/**
 * `device`: MAJ:MIN. The nearest driver, and who has claimed the number: a misc device (tun, fuse,
 * loop-control) has no link to its module in /sys.
 */
export async function charModules(
  device: string,
  sysfs: Sysfs,
  aliases: Aliases,
): Promise<string[]> {
  if (device === KVM) return kvmModules(sysfs)
  const [folder, byNumber] = await Promise.all([
    folderOf(device, sysfs),
    aliases.ofCharDevice(device),
  ])
  const nearest = await nearestModule(device, folder, sysfs)
  return [...new Set([...nearest, ...byNumber])]
}

/** The old watchdog device is the first of the new ones. Source: drivers/watchdog/watchdog_dev.c. */
function folderOf(device: string, sysfs: Sysfs): Promise<string | null> {
  return sysfs.link(
    device === WATCHDOG ? '/sys/class/watchdog/watchdog0' : `/sys/dev/char/${device}`,
  )
}

async function nearestModule(
  device: string,
  folder: string | null,
  sysfs: Sysfs,
): Promise<string[]> {
  if (folder === null) return []
  if (device.startsWith(INPUT)) {
    const name = posix.basename(folder)
    return INPUT_HANDLERS.flatMap(([pattern, module]) => (pattern.test(name) ? [module] : []))
  }
  const [driver] = await sysfs.drivers(folder)
  return driver?.module == null ? [] : [driver.module]
}
