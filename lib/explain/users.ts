/**
 * lib/explain lists the users of a module, how many references each of them has, and how each of them
 * can be made to release the module. Each kind of user has one function, which the table below names.
 */
import { isKmodError } from '../contract/errors'
import { printable } from '../contract/printable'
import type { LoadedModule, User } from '../contract/types'
import type { Kernel } from '../kernel/kernel'
import type { Snapshot } from '../kernel/snapshot'
import { binaryFormatUsers } from './binary-format'
import { blockUsers, swapUsers } from './block'
import { charsetUsers } from './charset'
import { configItemUsers } from './configfs'
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
import { tcpUsers } from './tcp'
import { trafficControlUsers } from './traffic-control'

/** The kinds, in the order in which explain() lists them. */
const KINDS: readonly FindUsers[] = [
  mountUsers,
  charsetUsers,
  swapUsers,
  processUsers,
  blockUsers,
  interfaceUsers,
  socketUsers,
  tcpUsers,
  cryptoUsers,
  consoleUsers,
  soundUsers,
  lineDisciplineUsers,
  binaryFormatUsers,
  netfilterUsers,
  trafficControlUsers,
  settingUsers,
  configItemUsers,
  deviceUsers,
  ({ name }, { given }): User[] => given.filter(({ module }) => module === name),
]

export interface UsersFound {
  /** One list for each of the given modules, in the same order. */
  users: User[][]
  unreadable: string[]
  /** Whether the open files of every process could be read. */
  allProcessesRead: boolean
}

/** A reading of the kernel's table. */
type Table = ReadonlyMap<string, LoadedModule>

/**
 * The users of loaded modules, from one snapshot of the system. `table` tells whether holders are in use
 * themselves; without it, this is not known.
 */
export async function usersOf(
  kernel: Kernel,
  rows: readonly LoadedModule[],
  table: Table = new Map(),
): Promise<UsersFound> {
  let snapshot: Snapshot
  try {
    snapshot = await kernel.snapshot({ users: true })
  } catch (error) {
    // The holders are known without a snapshot, from the table of modules.
    if (!isKmodError(error)) throw error
    return {
      users: rows.map((row) => holderUsers(row, table)),
      unreadable: [`what runs on the modules: ${error.message}`],
      allProcessesRead: false,
    }
  }
  const { unreadable, allProcessesRead } = snapshot
  const users = rows.map((row) => [...holderUsers(row, table), ...findUsers(row, snapshot)])
  return { users, unreadable, allProcessesRead }
}

/** The users of all kinds but modules that a module has in a snapshot. */
export function findUsers(row: LoadedModule, snapshot: Snapshot): User[] {
  return KINDS.flatMap((find) => find(row, snapshot)).map(withPrintableText)
}

/**
 * The modules that use this one. rmmod and not `modprobe -r`, which also removes what the holder uses,
 * even this module.
 */
function holderUsers({ name, holders }: LoadedModule, table: Table): User[] {
  return holders.map((holder) => {
    const references = table.get(holder)?.refCount ?? 0
    const busy = references === 0 ? '' : `, which is in use itself (reference count ${references})`
    return {
      kind: 'module',
      module: name,
      name: holder,
      references: 1,
      release: {
        kind: null,
        text: `unload module ${holder} first${busy}: kmod.unload('${holder}')`,
        command: references === 0 ? ['rmmod', holder] : null,
      },
    }
  })
}

/** Escapes the text only. The argv keeps its exact characters, because it must name the same object. */
function withPrintableText(user: User): User {
  const { text, ...release } = user.release
  return { ...user, release: { ...release, text: printable(text) } }
}

/** The greatest number of users that an error message names. */
const MAX_NAMED = 3

/** How to release the first of the users, as a sentence to append to a message; `''` without users. */
export function summarize(users: readonly User[]): string {
  if (users.length === 0) return ''
  const texts = users.slice(0, MAX_NAMED).map(({ release }) => release.text)
  if (users.length > MAX_NAMED) texts.push(`and ${users.length - MAX_NAMED} more`)
  return ` To release it: ${texts.join('; ')}.`
}
