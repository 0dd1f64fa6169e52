/** Snapshots and surveys that a test builds from parts. */
import type { LoadedModule } from '../../lib/contract/types'
import type {
  BlockDevice,
  Mount,
  NetworkInterface,
  OpenDevice,
  Snapshot,
} from '../../lib/kernel/snapshot'
import { emptySnapshot } from '../../lib/snapshot/build'
import type { RawLink, RawSurvey } from '../../lib/snapshot/system/raw-survey'

export function snapshot(parts: Partial<Snapshot> = {}): Snapshot {
  return { ...emptySnapshot(), ...parts }
}

/** A mount in the namespace of this process. */
export function mount(path: string, superblock: string, more: Partial<Mount> = {}): Mount {
  const isRoot = path === '/'
  const noModules = { modules: [], below: [] }
  const own = { pid: process.pid, own: true, isRoot, root: '/', options: 'rw' }
  return { path, superblock, source: '/dev/sda1', type: 'ext4', ...own, ...noModules, ...more }
}

export function netInterface(name: string, more: Partial<NetworkInterface> = {}): NetworkInterface {
  const unconnected = { master: null, lower: [], hasDefaultRoute: false }
  return { name, netns: null, up: true, type: null, ...unconnected, modules: [], ...more }
}

export function openDevice(pid: number, path: string, more: Partial<OpenDevice> = {}): OpenDevice {
  return { pid, comm: 'someone', self: false, path, fd: 3, modules: [], ...more }
}

export function blockDevice(path: string, more: Partial<BlockDevice> = {}): BlockDevice {
  return { path, mapping: null, usedBy: [], modules: [], below: [], ...more }
}

/** A row of the table of loaded modules. */
export function loaded(name: string, refCount = 1): LoadedModule {
  return { name, size: 1, refCount, holders: [], state: 'live', permanent: false, taints: '' }
}

export function survey(parts: Partial<RawSurvey> = {}): RawSurvey {
  return {
    users: true,
    mountTables: [],
    links: [],
    defaultRoutes: [],
    addresses: [],
    netFiles: [],
    trafficControl: [],
    nfTables: [],
    xTables: [],
    ipSets: [],
    ipsec: [],
    openDevices: [],
    allProcessesRead: true,
    unreadable: [],
    ...parts,
  }
}

export function rawLink(index: number, name: string, more: Partial<RawLink> = {}): RawLink {
  const plain = { up: true, kind: null, master: 0, lower: 0, bus: null, device: null, carriers: [] }
  return { netns: null, index, name, ...plain, ...more }
}
