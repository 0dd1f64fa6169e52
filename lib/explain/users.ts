/**
 * lib/explain says what uses a module, how many references each user takes, and how each user is
 * released. Each kind of user has a file here, and a row of the table below.
 */
import { isKmodError } from '../contract/errors'
import { printable } from '../contract/printable'
import type { LoadedModule, User } from '../contract/types'
import type { Kernel } from '../kernel/kernel'
import type { Snapshot } from '../kernel/snapshot'
import { binaryFormatUsers } from './binary-format'
import { blockUsers, swapUsers } from './block'
import { consoleUsers } from './console'
import { cryptoUsers } from './crypto'
import { deviceUsers } from './device'
import { interfaceUsers } from './interface'
import type { FindUsers } from './kind'
import { lineDisciplineUsers } from './line-discipline'
import { mountUsers } from './mount'
import { netfilterUsers } from './netfilter'
import { processUsers } from './process'
import { settingUsers } from './setting'
import { socketUsers } from './socket'
import { soundUsers } from './sound'
import { trafficControlUsers } from './traffic-control'

/** In the order in which explain() lists them. */
const KINDS: readonly FindUsers[] = [
  holderUsers,
  mountUsers,
  swapUsers,
  processUsers,
  blockUsers,
  interfaceUsers,
  socketUsers,
  cryptoUsers,
  consoleUsers,
  soundUsers,
  lineDisciplineUsers,
  binaryFormatUsers,
  netfilterUsers,
  trafficControlUsers,
  settingUsers,
  deviceUsers,
]

export interface UsersFound {
  /** Of each of the modules that were asked for. */
  users: User[][]
  unreadable: string[]
  /** Whether the open files of every process could be looked at. */
  allProcessesRead: boolean
}

/** The users of loaded modules, with one look at the system for all of them. */
export async function usersOf(kernel: Kernel, rows: readonly LoadedModule[]): Promise<UsersFound> {
  let snapshot: Snapshot
  try {
    snapshot = await kernel.snapshot({ users: true })
  } catch (error) {
    // The table still has the holders.
    if (!isKmodError(error)) throw error
    return {
      users: rows.map(holderUsers),
      unreadable: [`what runs on the modules: ${error.message}`],
      allProcessesRead: false,
    }
  }
  const { unreadable, allProcessesRead } = snapshot
  return { users: rows.map((row) => findUsers(row, snapshot)), unreadable, allProcessesRead }
}

/** The users of all kinds that a module has in a snapshot. */
export function findUsers(row: LoadedModule, snapshot: Snapshot): User[] {
  return KINDS.flatMap((find) => find(row, snapshot)).map(withPrintableText)
}

/** The modules that use this one. */
function holderUsers({ name, holders }: LoadedModule): User[] {
  return holders.map((holder) => ({
    kind: 'module',
    module: name,
    name: holder,
    references: 1,
    release: {
      text: `unload module ${holder} first: kmod.unload('${holder}')`,
      command: ['modprobe', '-r', holder],
    },
  }))
}

/** The argv keeps its exact bytes, because it has to name the same thing. */
function withPrintableText(user: User): User {
  const { text, command } = user.release
  return { ...user, release: { text: printable(text), command } }
}

/** As many users as an error message names. */
const MAX_NAMED = 3

/** How the first users are released, as a sentence to add to a message; `''` without users. */
export function summarize(users: readonly User[]): string {
  if (users.length === 0) return ''
  const texts = users.slice(0, MAX_NAMED).map(({ release }) => release.text)
  if (users.length > MAX_NAMED) texts.push(`and ${users.length - MAX_NAMED} more`)
  return ` To release it: ${texts.join('; ')}.`
}
