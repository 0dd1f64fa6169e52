/** Who uses a module: each kind of users in a file of its own. */
import { isKmodError } from '../contract/errors'
import type { Kernel } from '../kernel/kernel'
import type { Snapshot } from '../kernel/snapshot'
import { printable } from '../contract/printable'
import type { LoadedModule, User } from '../contract/types'
import { blockUsers } from './block'
import { deviceUsers } from './device'
import type { Explainer } from './explainer'
import { interfaceUsers } from './interface'
import { moduleUsers } from './module'
import { mountUsers } from './mount'
import { namedUsers } from './named'
import { processUsers } from './process'
import { socketUsers } from './socket'
import { swapUsers } from './swap'

const EXPLAINERS: readonly Explainer[] = [
  moduleUsers,
  mountUsers,
  swapUsers,
  processUsers,
  blockUsers,
  interfaceUsers,
  socketUsers,
  namedUsers,
  deviceUsers,
]

/** As many as an error message names. */
const NAMED = 3

/** The users of a loaded module, and what could not be read. */
export async function usersOf(
  kernel: Kernel,
  row: LoadedModule,
): Promise<{ users: User[]; unreadable: string[] }> {
  let snapshot: Snapshot
  try {
    snapshot = await kernel.snapshot({ users: true })
  } catch (error) {
    // Its holders are sure all the same.
    if (!isKmodError(error)) throw error
    const unreadable = [`what runs on the modules: ${error.message}`]
    return { users: moduleUsers(row), unreadable }
  }
  const users = EXPLAINERS.flatMap((explainer) => explainer(row, snapshot))
  return { users: users.map(withPlainText), unreadable: snapshot.unreadable }
}

/** The argv stays as it is: it has to name the very same thing. */
function withPlainText(user: User): User {
  const { text, command } = user.release
  return { ...user, release: { text: printable(text), command } }
}

/** How the first few users let go, as a sentence that follows another; `''` for none. */
export function summarize(users: readonly User[]): string {
  if (users.length === 0) return ''
  const texts = users.slice(0, NAMED).map(({ release }) => release.text)
  if (users.length > NAMED) texts.push(`and ${users.length - NAMED} more`)
  return ` To release it: ${texts.join('; ')}.`
}
