/** The devices that are bound to drivers of loaded modules. */
import { posix } from 'node:path'
import type { BoundDevice } from '../../kernel/snapshot'
import type { FileSources } from '../system/sources'
import type { Sysfs } from '../system/sysfs'

export async function readBoundDevices(sources: FileSources): Promise<BoundDevice[]> {
  const modules = await sources.sysfs.loadedModules()
  const [linked, others] = await Promise.all([
    byModuleFolders([...modules], sources.sysfs),
    byIdentity(modules, sources),
  ])
  return [...linked, ...others]
}

/**
 * Found by the links in /sys/module/NAME/drivers. Source: module_add_driver() in drivers/base/module.c.
 */
async function byModuleFolders(modules: readonly string[], sysfs: Sysfs): Promise<BoundDevice[]> {
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

/** The entries in the folder of a driver that are not devices. */
const NO_DEVICES = new Set(['bind', 'unbind', 'uevent', 'module', 'new_id', 'remove_id'])

/** The folder of a driver, /sys/bus/BUS/drivers/DRIVER, has a link into /sys/devices for each device. */
async function devicesOf(module: string, folder: string, sysfs: Sysfs): Promise<BoundDevice[]> {
  const [, bus, driver] = /^\/sys\/bus\/([^/]+)\/drivers\/([^/]+)$/.exec(folder) ?? []
  if (bus === undefined || driver === undefined) return []
  const entries = (await sysfs.list(folder)).filter((entry) => !NO_DEVICES.has(entry))
  const targets = await Promise.all(entries.map((entry) => sysfs.link(`${folder}/${entry}`)))
  return targets.flatMap((target) =>
    target?.startsWith('/sys/devices/')
      ? [{ bus, device: posix.basename(target), driver, modules: [module] }]
      : [],
  )
}

/**
 * Buses whose drivers may have no link to their module, because each driver must set its owner itself
 * and many do not. `file`: the file in the folder of a device whose lines, after `prefix`, are aliases
 * of the modules for the device. Source: acpi_bus_register_driver() in drivers/acpi/bus.c,
 * pnp_register_driver() in drivers/pnp/driver.c.
 */
const BUSES_WITHOUT_OWNERS = [
  { bus: 'acpi', file: 'modalias', prefix: '' },
  { bus: 'pnp', file: 'id', prefix: 'pnp:d' },
]

/** Found by the aliases of each device whose driver has no link to a module. */
async function byIdentity(
  modules: ReadonlySet<string>,
  { sysfs, aliases }: FileSources,
): Promise<BoundDevice[]> {
  const found = await Promise.all(
    BUSES_WITHOUT_OWNERS.map(async ({ bus, file, prefix }) => {
      const drivers = await driversWithoutModule(bus, sysfs)
      return Promise.all(
        drivers.flatMap(({ driver, devices }) =>
          devices.map(async (device): Promise<BoundDevice | null> => {
            const text = await sysfs.text(`/sys/bus/${bus}/drivers/${driver}/${device}/${file}`)
            const names = (text ?? '').split('\n').filter((line) => line !== '')
            const resolved = await aliases.ofAll(names.map((name) => `${prefix}${name}`))
            const own = resolved.filter((module) => modules.has(module))
            return own.length === 0 ? null : { bus, device, driver, modules: own }
          }),
        ),
      )
    }),
  )
  return found.flat().filter((device) => device !== null)
}

async function driversWithoutModule(
  bus: string,
  sysfs: Sysfs,
): Promise<{ driver: string; devices: string[] }[]> {
  const folder = `/sys/bus/${bus}/drivers`
  const drivers = await sysfs.list(folder)
  const entries = await Promise.all(drivers.map((driver) => sysfs.list(`${folder}/${driver}`)))
  return drivers.flatMap((driver, i) =>
    entries[i]!.includes('module')
      ? []
      : [{ driver, devices: entries[i]!.filter((entry) => !NO_DEVICES.has(entry)) }],
  )
}
