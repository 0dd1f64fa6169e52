/** The survey of a captured system: what its /proc and /sys show of the system that was captured. */
import type { SystemFiles } from '../kernel/system-files'
import { emptySurvey, type RawSurvey } from '../snapshot/system/raw-survey'
import { Sysfs } from '../snapshot/system/sysfs'
import { capturedAddresses } from './addresses'
import { capturedLinks } from './links'
import { capturedMounts } from './mounts'
import { capturedNetFiles } from './net-files'
import { capturedOpenDevices } from './open-devices'
import { capturedRoutes } from './routes'
import { storedSurvey } from './survey-file'

/**
 * The survey that `capture` wrote or, in a copy that something else made, what the files show. `users`: with
 * what only uses modules, which requires a look at every process.
 */
export async function capturedSurvey(files: SystemFiles, users: boolean): Promise<RawSurvey> {
  return (await storedSurvey(files, users)) ?? surveyOfFiles(files, users)
}

async function surveyOfFiles(files: SystemFiles, users: boolean): Promise<RawSurvey> {
  const [processes] = await files.listNames(['/proc'])
  const pids = processes!.filter((name) => /^\d+$/.test(name)).map(Number)
  pids.sort((one, other) => one - other)
  const [mounts, network, open, missing] = await Promise.all([
    capturedMounts(files, pids),
    capturedNetwork(files, users),
    users ? capturedOpenDevices(files, pids) : { unreadable: [] },
    findMissing(files, pids),
  ])
  const unreadable = [mounts, network, open].flatMap((one) => one.unreadable)
  // What no file shows stays empty: queueing disciplines, firewall rules, segments of device-mapper.
  return {
    ...emptySurvey(users),
    ...mounts,
    ...network,
    ...open,
    unreadable: [...unreadable, ...missing],
  }
}

type RawNetwork = Pick<
  RawSurvey,
  'links' | 'defaultRoutes' | 'addresses' | 'netFiles' | 'unreadable'
>

async function capturedNetwork(files: SystemFiles, users: boolean): Promise<RawNetwork> {
  const { links, unreadable } = await capturedLinks(new Sysfs(files))
  const [routes, addresses, netFiles] = await Promise.all([
    capturedRoutes(files, links),
    capturedAddresses(files, links),
    capturedNetFiles(files, users),
  ])
  return {
    links,
    ...routes,
    ...addresses,
    ...netFiles,
    unreadable: [{ unreadable }, routes, addresses, netFiles].flatMap((one) => one.unreadable),
  }
}

async function findMissing(files: SystemFiles, pids: readonly number[]): Promise<string[]> {
  const [[swaps], [disks], namespaces] = await Promise.all([
    files.readTexts(['/proc/swaps']),
    files.listNames(['/sys/dev/block']),
    files.readLinks(pids.map((pid) => `/proc/${pid}/ns/net`)),
  ])
  const missing: string[] = []
  if (swaps === null) missing.push('swap areas: /proc/swaps was not captured')
  if (disks!.length === 0) missing.push('block devices: /sys/dev/block was not captured')
  if (new Set(namespaces.filter((one) => one !== null)).size > 1) {
    missing.push('network interfaces of other namespaces: /sys shows those of one namespace')
  }
  return missing
}
