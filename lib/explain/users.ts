/** Who uses a module: each kind of users in a file of its own. */
import { isKmodError } from '../errors'
import type { Kernel } from '../kernel'
import type { LoadedModule, User } from '../types'
import type { Explainer } from './explainer'
import { moduleUsers } from './module'
import { mountUsers } from './mount'
import { processUsers } from './process'

const EXPLAINERS: readonly Explainer[] = [moduleUsers, mountUsers, processUsers]

/** As many as an error message names. */
const NAMED = 3

/** The users of a loaded module, and what could not be read. */
export async function usersOf(
  kernel: Kernel,
  row: LoadedModule,
): Promise<{ users: User[]; unreadable: string[] }> {
  const snapshot = await kernel.snapshot({ openDevices: true }).catch((error: unknown) => {
    // Its holders are sure all the same.
    if (!isKmodError(error)) throw error
    const unreadable = [`what runs on the modules: ${error.message}`]
    return { mounts: [], interfaces: [], swaps: [], openDevices: [], unreadable }
  })
  const users = EXPLAINERS.flatMap((explainer) => explainer(row, snapshot))
  return { users, unreadable: snapshot.unreadable }
}

/** How the first few users let go, as a sentence that follows another; `''` for none. */
export function summarize(users: readonly User[]): string {
  if (users.length === 0) return ''
  const texts = users.slice(0, NAMED).map(({ release }) => release.text)
  if (users.length > NAMED) texts.push(`and ${users.length - NAMED} more`)
  return ` To release it: ${texts.join('; ')}.`
}
