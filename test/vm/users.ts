/** What explain() and impact() say, for comparison and for use. */
import { kmod, type Usage, type User } from 'node-kmod'
import { run } from './support'

export type UserOf<Kind extends User['kind']> = User & { kind: Kind }

export function usersOf<Kind extends User['kind']>({ users }: Usage, kind: Kind): UserOf<Kind>[] {
  return users.filter((user): user is UserOf<Kind> => user.kind === kind)
}

/** The references that the users account for. */
export function knownReferences({ users }: Usage): number {
  return users.reduce((sum, { references }) => sum + (references ?? 0), 0)
}

/** Runs the command that releases a user. */
export function release(user: User | undefined): void {
  const [command, ...args] = user!.release.command!
  run(command!, args)
}

/** The effects of removing a module, like "critical filesystem:/mnt". */
export async function effectsOn(module: string): Promise<string[]> {
  const effects = await kmod.impact(module)
  return effects.map(({ kind, severity, subject }) => `${severity} ${kind}:${subject}`).sort()
}
