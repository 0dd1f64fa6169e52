/** Programs of the guest. */
import { execFileSync } from 'node:child_process'

export const run = (command: string, ...args: string[]): string =>
  execFileSync(command, args, { encoding: 'utf8' })
