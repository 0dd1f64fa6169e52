import { posix } from 'node:path'
import type { BoundDevice } from '../kernel/snapshot'
import type { Sysfs } from './system/sysfs'

/**
 * The devices of all drivers that loaded modules have, by the links of /sys/module/NAME/drivers. Source:
 * module_add_driver() in drivers/base/module.c.
 */
export async function readBoundDevices(sysfs: Sysfs): Promise<BoundDevice[]> {
  const modules = await loadedModules(sysfs)
  const found = await Promise.all(
    modules.map(async (module) => {
      const folder = `/sys/module/${module}/drivers`
      const links = await sysfs.list(folder)
      const drivers = await Promise.all(links.map((link) => sysfs.link(`${folder}/${link}`)))
      return Promise.all(
        drivers
          .filter((driver) => driver !== null)
          .map((driver) => devicesOf(module, driver, sysfs)),
      )
    }),
  )
  return found.flat(2)
}

/** Built-in modules have folders in /sys/module too. */
async function loadedModules(sysfs: Sysfs): Promise<string[]> {
  const table = (await sysfs.text('/proc/modules')) ?? ''
  return table.split('\n').flatMap((row) => /^(\w+) /.exec(row)?.[1] ?? [])
}

/** In the driver's folder /sys/bus/BUS/drivers/DRIVER, each link into /sys/devices is one. */
async function devicesOf(module: string, folder: string, sysfs: Sysfs): Promise<BoundDevice[]> {
  const [, bus, driver] = /^\/sys\/bus\/([^/]+)\/drivers\/([^/]+)$/.exec(folder) ?? []
  if (bus === undefined || driver === undefined) return []
  const entries = await sysfs.list(folder)
  const targets = await Promise.all(entries.map((entry) => sysfs.link(`${folder}/${entry}`)))
  return targets.flatMap((target) =>
    target?.startsWith('/sys/devices/')
      ? [{ bus, device: posix.basename(target), driver, module }]
      : [],
  )
}
