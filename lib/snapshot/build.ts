/**
 * lib/snapshot builds a Snapshot from a raw survey and the files of a system. A Snapshot lists what uses
 * which modules.
 *
 * Each list of a Snapshot has one reader function, which one of the tables below names. The readers of
 * one table run at the same time, so that their questions to the system are sent together.
 */
import { printable } from '../contract/printable'
import type { ModuleIndex } from '../kernel/module-index'
import type { Dependents, Snapshot, Users } from '../kernel/snapshot'
import type { SystemFiles } from '../kernel/system-files'
import { readBinaryFormats } from './binary-formats'
import { readConfigItems } from './configfs'
import { readCryptoAlgorithms } from './crypto-algorithms'
import { readBoundDevices } from './devices/bound-devices'
import { readConsoles } from './devices/consoles'
import { readDisplays } from './devices/displays'
import { readKeyboards } from './devices/keyboards'
import { readLineDisciplines } from './devices/line-disciplines'
import { readOpenDevices } from './devices/open-devices'
import { readSoundCards } from './devices/sound-cards'
import { readVirtualMachines } from './devices/virtual-machines'
import { readFirewalls, readPacketUses } from './network/firewalls'
import { readInterfaces } from './network/interfaces'
import { readNfTables, readXTables } from './network/netfilter'
import { readSessions } from './network/sessions'
import { readNetworkSettings } from './network/settings'
import { readSockets } from './network/sockets'
import { readTcpUses } from './network/tcp-uses'
import { readTrafficActions, readTrafficControls } from './network/traffic-control'
import { readBlockDevices } from './storage/block-devices'
import { readCharsets } from './storage/charsets'
import { readMounts } from './storage/mounts'
import { readSwaps } from './storage/swaps'
import { openFileSources, openSources, type FileSources, type Sources } from './system/sources'
import type { RawSurvey } from './system/raw-survey'

type Readers<Lists, From> = {
  [Name in keyof Lists]: (sources: From) => Lists[Name] | Promise<Lists[Name]>
}

/** Read while the survey is made, from files only. */
const FILES: Readers<Pick<Dependents, 'displays' | 'keyboards' | 'boundDevices'>, FileSources> = {
  displays: readDisplays,
  keyboards: readKeyboards,
  boundDevices: readBoundDevices,
}

/**
 * Read for every snapshot. The guard reads one before every unload, so none of these readers examines
 * all processes.
 */
const DEPENDENTS: Readers<Omit<Dependents, keyof typeof FILES>, Sources> = {
  mounts: readMounts,
  interfaces: readInterfaces,
  swaps: readSwaps,
  sessions: readSessions,
  virtualMachines: readVirtualMachines,
  blocks: readBlockDevices,
  firewalls: readFirewalls,
}

/** Read only if the survey was made with `users: true`. */
const USERS: Readers<Users, Sources> = {
  openDevices: readOpenDevices,
  sockets: readSockets,
  charsets: readCharsets,
  algorithms: readCryptoAlgorithms,
  consoles: readConsoles,
  soundCards: readSoundCards,
  lineDisciplines: readLineDisciplines,
  binaryFormats: readBinaryFormats,
  xTables: readXTables,
  nfTables: readNfTables,
  trafficControls: readTrafficControls,
  trafficActions: readTrafficActions,
  tcpUses: readTcpUses,
  packetUses: readPacketUses,
  configItems: readConfigItems,
  settings: readNetworkSettings,
}

interface Surveyed extends Omit<Dependents, keyof typeof FILES>, Users {
  allProcessesRead: boolean
  unreadableStack: string[]
}

/**
 * Does not reject if the module index cannot be read. Then `unreadable` says so, and the snapshot has
 * only the modules that are known from names and from /sys.
 */
export async function buildSnapshot(
  survey: RawSurvey | Promise<RawSurvey>,
  files: SystemFiles,
  index: ModuleIndex,
): Promise<Snapshot> {
  const sources = openFileSources(files, index)
  const [ofFiles, ofSurvey] = await Promise.all([
    readAll(FILES, sources),
    Promise.resolve(survey).then((raw) => readSurveyed(openSources(raw, sources))),
  ])
  const { unreadableStack, ...lists } = ofSurvey
  const unreadable = [...sources.unreadable, ...unreadableStack].map(printable)
  return { ...ofFiles, ...lists, given: [], unreadable, unanswered: [] }
}

async function readSurveyed(sources: Sources): Promise<Surveyed> {
  const { raw, stack } = sources
  const [dependents, users] = await Promise.all([
    readAll(DEPENDENTS, sources),
    raw.users ? readAll(USERS, sources) : noUsers(),
  ])
  const allProcessesRead = raw.users && raw.allProcessesRead
  return { ...dependents, ...users, allProcessesRead, unreadableStack: stack.unreadable }
}

/** A snapshot in which nothing uses a module. */
export function emptySnapshot(): Snapshot {
  const complete = { given: [], unreadable: [], unanswered: [], allProcessesRead: true }
  return { ...emptyLists(FILES), ...emptyLists(DEPENDENTS), ...noUsers(), ...complete }
}

function noUsers(): Users {
  return emptyLists(USERS)
}

async function readAll<Lists extends object, From>(
  readers: Readers<Lists, From>,
  sources: From,
): Promise<Lists> {
  const names = Object.keys(readers) as (keyof Lists)[]
  const lists = await Promise.all(
    names.map(async (name) => [name, await readers[name](sources)] as const),
  )
  return Object.fromEntries(lists) as Lists
}

function emptyLists<Lists extends object, From>(readers: Readers<Lists, From>): Lists {
  return Object.fromEntries(Object.keys(readers).map((name) => [name, []])) as Lists
}
