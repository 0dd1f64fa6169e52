/** The devices that are bound to drivers of loaded modules. */
import { posix } from 'node:path'
import type { BoundDevice } from '../../kernel/snapshot'
import type { Sources } from '../system/sources'
import type { Sysfs } from '../system/sysfs'

/** By the links of /sys/module/NAME/drivers. Source: module_add_driver() in drivers/base/module.c. */
export async function readBoundDevices({ sysfs }: Sources): Promise<BoundDevice[]> {
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

/** From the table, because built-in modules have folders in /sys/module too. */
async function loadedModules(sysfs: Sysfs): Promise<string[]> {
  const table = (await sysfs.text('/proc/modules')) ?? ''
  return table.split('\n').flatMap((row) => /^(\w+) /.exec(row)?.[1] ?? [])
}

/** The folder of a driver, /sys/bus/BUS/drivers/DRIVER, has a link into /sys/devices for each device. */
async function devicesOf(module: string, folder: string, sysfs: Sysfs): Promise<BoundDevice[]> {
  const [, bus, driver] = /^\/sys\/bus\/([^/]+)\/drivers\/([^/]+)$/.exec(folder) ?? []
  if (bus === undefined || driver === undefined) return []
  const entries = await sysfs.list(folder)
  const targets = await Promise.all(entries.map((entry) => sysfs.link(`${folder}/${entry}`)))
  return targets.flatMap((target) =>
    target?.startsWith('/sys/devices/')
      ? [{ bus, device: posix.basename(target), driver, modules: [module] }]
      : [],
  )
}
