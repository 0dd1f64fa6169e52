/** Flash devices (MTD), and the UBI devices on them. */
import type { BlockDevice } from '../../kernel/snapshot'
import { flashDriver, flashFolder } from '../system/disk-modules'
import type { Sources } from '../system/sources'

const PLAIN = { mapping: null, madeOf: null, fileOn: null, setUpBy: null }

/**
 * `direct`: the mount paths by the folder of the device that they are on. They are not block devices, but
 * they are used and released in the same way.
 */
export async function readFlash(
  direct: ReadonlyMap<string, string[]>,
  { sysfs, stack }: Pick<Sources, 'sysfs' | 'stack'>,
): Promise<BlockDevice[]> {
  const [flash, ubi] = await Promise.all([
    sysfs.list('/sys/class/mtd').then((names) => names.filter((name) => /^mtd\d+$/.test(name))),
    sysfs.list('/sys/class/ubi').then((names) => names.filter((name) => /^ubi\d+$/.test(name))),
  ])
  const ubiFolders = await Promise.all(ubi.map((name) => sysfs.link(`/sys/class/ubi/${name}`)))
  const flashOfUbi = await Promise.all(
    ubiFolders.map(async (folder) => (folder === null ? null : flashFolder(folder, sysfs))),
  )
  const ofFlash = flash.map(async (name): Promise<BlockDevice[]> => {
    const folder = await sysfs.link(`/sys/class/mtd/${name}`)
    if (folder === null) return []
    const [driver, all] = await Promise.all([flashDriver(folder, sysfs), stack.modules([folder])])
    // mtd has one reference for each device. Source: add_mtd_device() in drivers/mtd/mtdcore.c.
    const modules = [driver ?? '', 'mtd']
    const attached = ubi.filter((_, i) => flashOfUbi[i] === folder)
    const usedBy = [...(direct.get(folder) ?? []), ...attached.map((one) => `/dev/${one}`)]
    const below = all.filter((one) => !modules.includes(one))
    return [{ ...PLAIN, path: `/dev/${name}`, usedBy, modules, below }]
  })
  const ofUbi = ubi.map(async (name, i): Promise<BlockDevice[]> => {
    const folder = ubiFolders[i] ?? null
    if (folder === null) return []
    const below = (await stack.modules([folder])).filter((one) => one !== 'ubi')
    const usedBy = direct.get(folder) ?? []
    return [{ ...PLAIN, path: `/dev/${name}`, usedBy, modules: ['ubi'], below }]
  })
  return (await Promise.all([...ofFlash, ...ofUbi])).flat()
}
