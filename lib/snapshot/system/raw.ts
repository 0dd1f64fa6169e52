/** What was looked at, as the system gave it: modules are not in it yet. */
export interface RawSurvey {
  /** The text of /proc/PID/mountinfo, one for each mount namespace. */
  mountTables: { pid: number; own: boolean; first: boolean; text: string }[]
  /**
   * From rtnetlink. `master`, `lower`: an index, or 0. `bus` and `device` name the parent device,
   * /sys/bus/BUS/devices/DEVICE.
   */
  links: {
    netns: string | null
    index: number
    name: string
    up: boolean
    kind: string | null
    master: number
    lower: number
    bus: string | null
    device: string | null
  }[]
  defaultRoutes: { netns: string | null; index: number }[]
  /** As inet_ntop(3) writes them. */
  addresses: { netns: string | null; index: number; address: string }[]
  /** Of each namespace, the files of /proc/net and /proc/sys/net that were wanted and are there. */
  netFiles: { netns: string | null; path: string; text: string }[]
  /** Queueing disciplines and filters on them, without those of the kernel itself. */
  trafficControl: {
    netns: string | null
    index: number
    filter: boolean
    kind: string
    /** 0: put there by the kernel. */
    handle: number
    parent: number
  }[]
  nfTables: {
    netns: string | null
    /** NFPROTO_..., a number. */
    family: number
    name: string
    chains: number
    rules: number
    /** What is in it, and how often: `{ kind: 'expression', name: 'ct', count: 2 }`. */
    parts: { kind: string; name: string; count: number }[]
  }[]
  /** `device`: MAJ:MIN. `fd`: `null` where the device is mapped. */
  openDevices: {
    pid: number
    comm: string
    self: boolean
    path: string
    fd: number | null
    type: 'char' | 'block'
    device: string
  }[]
  /** What could not be looked at. */
  unreadable: string[]
}
