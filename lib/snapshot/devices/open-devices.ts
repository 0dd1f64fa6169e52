/** The files that processes have open and that refer to modules: devices, and some others. */
import type { OpenDevice } from '../../kernel/snapshot'
import type { RawOpenDevice } from '../system/raw-survey'
import type { Sources } from '../system/sources'
import { charDevice, scsiHostModules } from './char-devices'
import { kvmModules } from './virtual-machines'

type File = Pick<OpenDevice, 'type' | 'family' | 'name' | 'modules'>

export async function readOpenDevices(sources: Sources): Promise<OpenDevice[]> {
  // Many processes can have the same device open: it is looked up once.
  const known = new Map<string, Promise<File>>()
  return Promise.all(
    sources.raw.openDevices.map(async (raw) => {
      const { path, fd, shared, type, device } = raw
      const key = `${type} ${device} ${type === 'char' || type === 'block' ? '' : path}`
      const file = known.get(key) ?? fileOf(raw, sources)
      known.set(key, file)
      return { ...sources.holders.holder(raw), path, fd, shared, ...(await file) }
    }),
  )
}

async function fileOf(raw: RawOpenDevice, sources: Sources): Promise<File> {
  const { type, device } = raw
  if (type === 'char') return { type, ...(await charDevice(device, sources)) }
  if (type === 'block') {
    return { type, family: '', name: device, modules: await blockModules(device, sources) }
  }
  return {
    type: 'file',
    family: type,
    name: device,
    modules: await OTHER_FILES[type](raw, sources),
  }
}

const OTHER_FILES: Record<
  Exclude<RawOpenDevice['type'], 'char' | 'block'>,
  (raw: RawOpenDevice, sources: Sources) => string[] | Promise<string[]>
> = {
  kvm: (_, { sysfs }) => kvmModules(sysfs),
  proc: rpcModules,
  debugfs: debugModules,
  detached: async (raw, sources) => [
    ...(await fileSystemModules(raw, sources)),
    // The file system has the block device open.
    ...(await blockModules(raw.device, sources)),
  ],
}

async function blockModules(device: string, { blockDevices, sysfs }: Sources): Promise<string[]> {
  const folder = await blockDevices.byNumber(device)
  if (folder === null) return []
  const [own, host] = await Promise.all([
    blockDevices.driverModules(folder),
    scsiHostModules(folder, sysfs),
  ])
  return [...new Set([...own, ...host])]
}

/**
 * The caches of /proc/net/rpc, which mountd and others read, belong to sunrpc or to nfsd. Source:
 * cache_open() and content_open() in net/sunrpc/cache.c.
 */
function rpcModules({ path }: RawOpenDevice): string[] {
  const cache = /\/net\/rpc\/([^/]+)\//.exec(path)?.[1]
  if (cache === undefined) return []
  return cache.startsWith('nfsd.') ? ['nfsd'] : ['sunrpc']
}

/** File systems that have a folder for each superblock in /sys/fs, named like the block device. */
const NAMED_IN_SYSFS = ['ext4', 'xfs', 'f2fs', 'nilfs2', 'erofs']

/**
 * The modules of a file system that is not mounted any more but still has open files. No file shows
 * its type, except for some types.
 */
async function fileSystemModules({ device }: RawOpenDevice, sources: Sources): Promise<string[]> {
  const { sysfs, blockDevices, aliases, unreadable } = sources
  const folder = await blockDevices.byNumber(device)
  const name = folder?.replace(/^.*\//, '') ?? ''
  const found = await Promise.all(
    NAMED_IN_SYSFS.map((type) => sysfs.list(`/sys/fs/${type}/${name}`)),
  )
  const type = NAMED_IN_SYSFS.find((_, i) => name !== '' && found[i]!.length > 0)
  if (type !== undefined) return aliases.ofFileSystem(type)
  const where = name === '' ? device : `on ${name}`
  unreadable.add(
    `the type of the file system ${where}, which was unmounted while files on it are open`,
  )
  return []
}

/** An open file of debugfs refers to the module that made it. Its folder is named like the module. */
async function debugModules({ path }: RawOpenDevice, { sysfs }: Sources): Promise<string[]> {
  const loaded = await sysfs.loadedModules()
  return path.split('/').filter((folder) => loaded.has(folder))
}
