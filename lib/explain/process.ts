/** Processes that have a device of the module open, or another file that refers to it. */
import type { OpenDevice } from '../kernel/snapshot'
import { byHand, nameOf, releaseBy } from './holder'
import { using, type FindUsers } from './kind'

/** Lists one user for each descriptor or mapping. */
export const processUsers: FindUsers = (row, { openDevices }) => {
  const open = using(openDevices, row)
  // Sets, because a process can have very many files open.
  const withDescriptor = new Set(open.filter(({ fd }) => fd !== null).map(keyInProcess))
  const seen = new Set<string>()
  return open.map((file) => {
    const { pid, comm, path, fd, self, unit } = file
    const isFirst = !seen.has(keyOf(file))
    seen.add(keyOf(file))
    // A mapping shares the open file with the descriptor from which it was made.
    const isShared = file.shared || (fd === null && withDescriptor.has(keyInProcess(file)))
    return {
      kind: 'process',
      module: row.name,
      pid,
      comm,
      path,
      fd,
      self,
      unit,
      references: isShared ? 0 : referencesOf(file, row.name, isFirst),
      release: releaseOf(file),
    }
  })
}

function keyOf({ type, name }: OpenDevice): string {
  return `${type} ${name}`
}

function keyInProcess(file: OpenDevice): string {
  return `${file.pid} ${keyOf(file)}`
}

function releaseOf(file: OpenDevice): ReturnType<typeof releaseBy> {
  const { path, fd } = file
  if (file.modules.includes('watchdog')) {
    return byHand(
      `make ${nameOf(file)} stop the watchdog and close ${path}: if the process is killed, the machine restarts when the time of the watchdog is over`,
    )
  }
  const isDetached = file.family === 'detached'
  const thing = isDetached ? `${path} of an unmounted file system` : path
  const withoutDescriptor = isDetached ? 'as its folder or program' : 'mapped into its memory'
  return releaseBy(file, thing, fd === null ? withoutDescriptor : `open as descriptor ${fd}`)
}

/**
 * The references that one open character device takes, where it is not one. A driver that sets the owner
 * of both its cdev and its file operations is referenced by both; so is a driver that registers a major
 * number. Some drivers add a reference for a socket (tun, tap) or for the open file (sg). Source:
 * chrdev_open() in fs/char_dev.c and the drivers; each was compared with a kernel's count.
 */
const PER_OPEN: Readonly<Record<string, number>> = {
  ch: 2,
  cpuid: 2,
  i2c_dev: 2,
  lp: 2,
  msr: 2,
  mtd: 2,
  ppdev: 2,
  ppp_generic: 2,
  sg: 3,
  st: 2,
  tap: 2,
  tun: 2,
  usbmon: 2,
}

/** `isFirst`: no entry before this one is of the same device. */
function referencesOf(file: OpenDevice, module: string, isFirst: boolean): number | null {
  switch (file.type) {
    case 'block':
      return 1
    case 'file':
      return referencesOfFile(file, isFirst)
    case 'char':
      return referencesOfChar(file, module, isFirst)
  }
}

function referencesOfFile({ family }: OpenDevice, isFirst: boolean): number | null {
  // Which file of debugfs belongs to which module is known only by its path.
  if (family === 'debugfs') return null
  // A file system takes one reference in total.
  return family === 'detached' && !isFirst ? 0 : 1
}

function referencesOfChar(
  { family, name }: OpenDevice,
  module: string,
  isFirst: boolean,
): number | null {
  // The first open of a terminal also takes the reference of the terminal itself. Source:
  // tty_init_dev() in drivers/tty/tty_io.c.
  if (family === 'tty') return isFirst ? 2 : 1
  // A control device belongs to the core, of which every open sound device holds one reference.
  if (module === 'snd') return name.startsWith('control') ? 2 : 1
  if (family === 'watchdog' || name === 'watchdog') return referencesOfWatchdog(family, module)
  return PER_OPEN[module] ?? 1
}

/**
 * The driver is the owner of the cdev of /dev/watchdog0, but not of the misc device /dev/watchdog. The
 * software watchdog takes one more while it runs. Source: watchdog_open() in
 * drivers/watchdog/watchdog_dev.c, softdog_start() in drivers/watchdog/softdog.c.
 */
function referencesOfWatchdog(family: string, module: string): number {
  if (module === 'watchdog') return 1
  return (family === 'misc' ? 1 : 2) + (module === 'softdog' ? 1 : 0)
}
