/** What runs on the modules, as tests make it up. */
import type { Mount, NetworkInterface, OpenDevice, Snapshot } from '../../lib/kernel/snapshot'

export function snapshot(parts: Partial<Snapshot> = {}): Snapshot {
  return {
    mounts: [],
    interfaces: [],
    swaps: [],
    sessions: [],
    displays: [],
    virtualMachines: [],
    blocks: [],
    openDevices: [],
    devices: [],
    sockets: [],
    named: [],
    unreadable: [],
    ...parts,
  }
}

/** A mount of this process's namespace. */
export function mount(path: string, superblock: string, more: Partial<Mount> = {}): Mount {
  const isRoot = path === '/'
  const nothing = { modules: [], below: [] }
  const own = { pid: process.pid, own: true, isRoot }
  return { path, superblock, source: '/dev/sda1', type: 'ext4', ...own, ...nothing, ...more }
}

export function netInterface(name: string, more: Partial<NetworkInterface> = {}): NetworkInterface {
  const alone = { master: null, lower: [], hasDefaultRoute: false }
  return { name, netns: null, up: true, type: null, ...alone, modules: [], ...more }
}

export function openDevice(pid: number, path: string, more: Partial<OpenDevice> = {}): OpenDevice {
  return { pid, comm: 'someone', self: false, path, fd: 3, modules: [], ...more }
}
