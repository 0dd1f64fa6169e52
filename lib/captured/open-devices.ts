/** The device files that the captured processes had open, read from the links in /proc/PID/fd. */
import type { SystemFiles } from '../kernel/system-files'
import type { RawSurvey } from '../snapshot/system/raw-survey'

type OpenDevices = Pick<
  RawSurvey,
  'openDevices' | 'openSockets' | 'ownCgroups' | 'allProcessesRead' | 'unreadable'
>

/** A captured system does not show which sockets a process has, nor who this process is in it. */
const NOTHING_ELSE = { openSockets: [], ownCgroups: [] }

/** Files of a virtual machine are not device files, but hold references to the modules of /dev/kvm. */
const KVM_FILES = 'anon_inode:kvm-'
const KVM = { type: 'kvm', device: '10:232' } as const

interface Descriptor {
  pid: number
  fd: number
  path: string
}

export async function capturedOpenDevices(
  files: SystemFiles,
  pids: readonly number[],
): Promise<OpenDevices> {
  const lists = await files.listNames(pids.map((pid) => `/proc/${pid}/fd`))
  const all = pids.flatMap((pid, i) => lists[i]!.map((fd) => ({ pid, fd: Number(fd) })))
  if (all.length === 0) {
    return {
      ...NOTHING_ELSE,
      openDevices: [],
      allProcessesRead: false,
      unreadable: ['open devices: no /proc/PID/fd was captured'],
    }
  }
  const paths = await files.readLinks(all.map(({ pid, fd }) => `/proc/${pid}/fd/${fd}`))
  const open = all
    .map((one, i): Descriptor => ({ ...one, path: paths[i] ?? '' }))
    .filter(({ path }) => path.startsWith('/dev/') || path.startsWith(KVM_FILES))
  return open.length === 0
    ? { ...NOTHING_ELSE, openDevices: [], allProcessesRead: true, unreadable: [] }
    : withNumbers(files, open)
}

async function withNumbers(files: SystemFiles, open: readonly Descriptor[]): Promise<OpenDevices> {
  const holders = [...new Set(open.map(({ pid }) => pid))]
  const [numbers, names, cgroups] = await Promise.all([
    deviceNumbers(files),
    files.readTexts(holders.map((pid) => `/proc/${pid}/comm`)),
    files.readTexts(holders.map((pid) => `/proc/${pid}/cgroup`)),
  ])
  const comms = new Map(holders.map((pid, i) => [pid, names[i]?.trimEnd() ?? '']))
  const cgroupsOf = new Map(holders.map((pid, i) => [pid, cgroups[i] ?? '']))
  return {
    ...NOTHING_ELSE,
    openDevices: open.flatMap(({ pid, fd, path }) => {
      const number = path.startsWith(KVM_FILES) ? KVM : numbers.get(path)
      // A terminal in /dev/pts or a file in /dev/shm is not a device of a module.
      if (number === undefined) return []
      const process = { pid, comm: comms.get(pid) ?? '', self: false, ancestor: pid === 1 }
      return [{ ...process, cgroups: cgroupsOf.get(pid) ?? '', path, fd, ...number, shared: false }]
    }),
    allProcessesRead: numbers.size > 0,
    unreadable: numbers.size === 0 ? ['open devices: /sys/dev was not captured'] : [],
  }
}

/** The number of each path below /dev, as the uevent file of the device names it. */
async function deviceNumbers(
  files: SystemFiles,
): Promise<Map<string, { type: 'char' | 'block'; device: string }>> {
  const types = ['char', 'block'] as const
  const lists = await files.listNames(types.map((type) => `/sys/dev/${type}`))
  const devices = types.flatMap((type, i) => lists[i]!.map((device) => ({ type, device })))
  const uevents = await files.readTexts(
    devices.map(({ type, device }) => `/sys/dev/${type}/${device}/uevent`),
  )
  return new Map(
    devices.flatMap((device, i) => {
      const name = /^DEVNAME=(.+)$/m.exec(uevents[i] ?? '')?.[1]
      return name === undefined ? [] : [[`/dev/${name}`, device] as const]
    }),
  )
}
