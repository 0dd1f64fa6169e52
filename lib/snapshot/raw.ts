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
