/**
 * What users have created in configfs: targets of LIO and NVMe, USB gadgets, test disks. Only folders that
 * a user made are items; those that the kernel made with them are not.
 */
import { posix } from 'node:path'
import type { ConfigItem } from '../kernel/snapshot'
import type { Aliases } from './system/aliases'
import type { Sources } from './system/sources'
import type { Sysfs } from './system/sysfs'

/** Gives the modules that provide an item, each once for each reference that it takes. */
type Providers = (path: readonly string[], aliases: Aliases) => string[] | Promise<string[]>

interface Subsystem {
  owner: string
  /** The paths of items: `*` is any name, `!NAME` any other name; other parts are as they are. */
  items: readonly [pattern: string, providers: Providers][]
}

const by =
  (...modules: string[]): Providers =>
  () =>
    modules

const known = (module: string | undefined): string[] => (module === undefined ? [] : [module])

/** By name of the fabric, the module that provides it, as `tf_ops->module` in drivers/target. */
const FABRICS: Readonly<Record<string, string>> = {
  iscsi: 'iscsi_target_mod',
  loopback: 'tcm_loop',
  vhost: 'vhost_scsi',
  srpt: 'ib_srpt',
  qla2xxx: 'tcm_qla2xxx',
  fc: 'tcm_fc',
  sbp: 'sbp_target',
  usb_gadget: 'usb_f_tcm',
  'xen-pvscsi': 'xen_scsiback',
}
const fabric: Providers = ([, name]) => known(FABRICS[name!])

/** By kind of backend (the name without its number), as target_backend_ops.owner. */
const BACKENDS: Readonly<Record<string, string>> = {
  fileio: 'target_core_file',
  iblock: 'target_core_iblock',
  pscsi: 'target_core_pscsi',
  user: 'target_core_user',
}
const backend: Providers = ([, , name]) => known(BACKENDS[name!.replace(/_\d+$/, '')])

/** Source: usb_get_function_instance() in drivers/usb/gadget/functions.c. */
const usbFunction: Providers = async ([, , , name], aliases) => {
  const [module] = await aliases.ofFirst([`usbfunc:${name!.replace(/\..*$/s, '')}`])
  return module === undefined ? [] : [module, module]
}

const SUBSYSTEMS: Readonly<Record<string, Subsystem>> = {
  nullb: { owner: 'null_blk', items: [['!features', by('null_blk')]] },
  netconsole: { owner: 'netconsole', items: [['*', by('netconsole')]] },
  nvmet: {
    owner: 'nvmet',
    items: [
      ['hosts/*', by('nvmet')],
      ['ports/*', by('nvmet')],
      ['ports/*/referrals/*', by('nvmet')],
      ['subsystems/*', by('nvmet')],
      ['subsystems/*/namespaces/*', by('nvmet')],
    ],
  },
  usb_gadget: {
    owner: 'libcomposite',
    items: [
      ['*', by('libcomposite')],
      ['*/configs/*', by('libcomposite')],
      ['*/configs/*/strings/*', by('libcomposite')],
      ['*/functions/*', usbFunction],
      ['*/strings/*', by('libcomposite')],
    ],
  },
  target: {
    owner: 'target_core_mod',
    items: [
      [
        'core/!alua',
        async (path, aliases): Promise<string[]> => [
          'target_core_mod',
          ...(await backend(path, aliases)),
        ],
      ],
      ['core/!alua/*', backend],
      ['core/!alua/*/alua/!default_tg_pt_gp', by('target_core_mod')],
      ['core/alua/lu_gps/!default_lu_gp', by('target_core_mod')],
      ['!core', fabric],
      ['!core/!discovery_auth', fabric],
      ['!core/!discovery_auth/!param,fabric_statistics', fabric],
      ['!core/!discovery_auth/!param,fabric_statistics/acls/*', fabric],
      ['!core/!discovery_auth/!param,fabric_statistics/acls/*/lun_*', fabric],
      ['!core/!discovery_auth/!param,fabric_statistics/lun/*', fabric],
      ['!core/!discovery_auth/!param,fabric_statistics/np/*', fabric],
    ],
  },
}

/** The most folders that are read: users who may write to configfs can create any number. */
const MAX_ITEMS = 2_000

export async function readConfigItems({
  sysfs,
  aliases,
  mountTables,
  unreadable,
}: Pick<Sources, 'sysfs' | 'aliases' | 'mountTables' | 'unreadable'>): Promise<ConfigItem[]> {
  const own = mountTables.tables.find((table) => table.own) ?? mountTables.tables[0]
  const root = own?.lines.find(({ type }) => type === 'configfs')?.path
  if (root === undefined) return []
  const names = (await sysfs.list(root)).filter((name) => name in SUBSYSTEMS)
  const found = await Promise.all(
    names.flatMap((name) =>
      SUBSYSTEMS[name]!.items.map(async ([pattern, providers]) => ({
        name,
        providers,
        paths: await match([root, name], pattern.split('/'), sysfs),
      })),
    ),
  )
  const all = found.flatMap(({ name, providers, paths }) =>
    paths.map((path) => ({ name, providers, path })),
  )
  if (all.length > MAX_ITEMS) unreadable.add(`configfs beyond the first ${MAX_ITEMS} folders`)
  const items = all.slice(0, MAX_ITEMS)
  const paths = items.map(({ path }) => posix.join(...path))
  const links = await Promise.all(paths.map((path) => linksIn(path, sysfs)))
  return Promise.all(
    items.map(async ({ name, providers, path }, i): Promise<ConfigItem> => {
      const modules = [SUBSYSTEMS[name]!.owner, ...(await providers(path.slice(1), aliases))]
      const inside = paths.filter((other) => other.startsWith(`${paths[i]}/`))
      const inTheWay = links.flatMap((list, at) =>
        list.filter(({ target }) => at === i || target === paths[i]).map((link) => link.path),
      )
      return {
        path: paths[i]!,
        subsystem: name,
        first: [...inside, ...new Set(inTheWay)],
        modules: [...new Set(modules)],
        references: modules,
      }
    }),
  )
}

/** The paths (in parts) that fit a pattern. */
async function match(
  at: readonly string[],
  [part, ...rest]: readonly string[],
  sysfs: Sysfs,
): Promise<string[][]> {
  if (part === undefined) return [[...at]]
  const fits = fit(part)
  const names = fits === null ? [part] : (await sysfs.list(posix.join(...at))).filter(fits)
  const folders = await Promise.all(
    names.map(async (name) => {
      const path = [...at, name]
      // An attribute is a file, which has no list of names; a link leads to another item.
      const isItem = (await sysfs.list(posix.join(...path))).length > 0
      const isLink = fits !== null && (await sysfs.link(posix.join(...path))) !== null
      return isItem && !isLink ? match(path, rest, sysfs) : []
    }),
  )
  return folders.flat()
}

/** Whether a name fits a part of a pattern; `null`: the part is a name itself. */
function fit(part: string): ((name: string) => boolean) | null {
  if (part.startsWith('!')) {
    const others = part.slice(1).split(',')
    return (name) => !others.includes(name)
  }
  if (!part.endsWith('*')) return null
  const prefix = part.slice(0, -1)
  return (name) => name.startsWith(prefix)
}

interface ItemLink {
  path: string
  target: string
}

/** The links in an item and in the folders that the kernel made in it. */
async function linksIn(item: string, sysfs: Sysfs): Promise<ItemLink[]> {
  const names = (await sysfs.list(item)).map((name) => posix.join(item, name))
  const lists = await Promise.all(names.map((name) => sysfs.list(name)))
  const deeper = names.flatMap((name, i) => lists[i]!.map((one) => posix.join(name, one)))
  const links = await Promise.all(
    [...names, ...deeper].map(async (path) => ({ path, target: await sysfs.link(path) })),
  )
  return links.filter((link): link is ItemLink => link.target !== null)
}
