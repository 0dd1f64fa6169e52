/** Snapshots and surveys that a test builds from parts. */
import type { LoadedModule } from '../../lib/contract/types'
import type { NetworkInterface } from '../../lib/kernel/network-facts'
import type {
  BlockDevice,
  Holder,
  Mount,
  OpenDevice,
  Snapshot,
  SwapArea,
} from '../../lib/kernel/snapshot'
import { emptySnapshot } from '../../lib/snapshot/build'
import { emptySurvey, type RawLink, type RawSurvey } from '../../lib/snapshot/system/raw-survey'

export function snapshot(parts: Partial<Snapshot> = {}): Snapshot {
  return { ...emptySnapshot(), ...parts }
}

let mounts = 0

/** A mount in the namespace of this process, on the root. */
export function mount(path: string, superblock: string, more: Partial<Mount> = {}): Mount {
  const isRoot = path === '/'
  const tree = { id: ++mounts, parent: isRoot ? -1 : 0, sends: null, receives: [] }
  const noModules = { modules: [], below: [] }
  const own = { pid: process.pid, own: true, isRoot }
  const type = { source: '/dev/sda1', type: 'ext4', root: '/', options: 'rw' }
  return { ...tree, path, superblock, ...type, ...own, ...noModules, ...more }
}

export function netInterface(name: string, more: Partial<NetworkInterface> = {}): NetworkInterface {
  const unconnected = { master: null, lower: [], hasDefaultRoute: false }
  return { name, netns: null, up: true, type: null, ...unconnected, modules: [], ...more }
}

export function holder(pid: number, more: Partial<Holder> = {}): Holder {
  const plain = { self: false, ancestor: false, unit: null, ownUnit: false }
  return { pid, comm: 'someone', ...plain, ...more }
}

export function openDevice(pid: number, path: string, more: Partial<OpenDevice> = {}): OpenDevice {
  const device = { path, fd: 3, shared: false, type: 'char', family: '', name: '' } as const
  return { ...holder(pid), ...device, modules: [], ...more }
}

export function blockDevice(path: string, more: Partial<BlockDevice> = {}): BlockDevice {
  const origin = { mapping: null, madeOf: null, fileOn: null, setUpBy: null }
  return { path, ...origin, usedBy: [], modules: [], below: [], ...more }
}

export function swapArea(path: string, below: string[], more: Partial<SwapArea> = {}): SwapArea {
  return { path, fileOn: null, opens: 1, below, ...more }
}

/** A row of the table of loaded modules. */
export function loaded(name: string, refCount = 1): LoadedModule {
  return { name, size: 1, refCount, holders: [], state: 'live', permanent: false, taints: '' }
}

export function survey(parts: Partial<RawSurvey> = {}): RawSurvey {
  return { ...emptySurvey(true), allProcessesRead: true, ...parts }
}

export function rawLink(index: number, name: string, more: Partial<RawLink> = {}): RawLink {
  const plain = { up: true, kind: null, master: 0, lower: 0, bus: null, device: null, carriers: [] }
  return { netns: null, index, name, ...plain, ...more }
}
