/** For tests that run as root in a guest: Debian's tools as oracles, and modules with bad manners. */
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'

export { rejection } from '../support/rejection'

export const ROOT = join(__dirname, '..', '..')
export const RELEASE = run('uname', ['-r']).trim()
export const MODULE_DIRECTORY = `/lib/modules/${RELEASE}`

/** Whether the modules with bad manners could be built for this kernel. */
export const HAS_TEST_MODULES = existsSync(`${MODULE_DIRECTORY}/extra/kmodtest_base.ko`)
/**
 * For tests that need them. The newest kernel has none (its headers want a newer Debian than the
 * host may be), so there these are left out of the run; every other kernel fails without them.
 */
export const describeWithTestModules =
  HAS_TEST_MODULES || process.env.KMOD_KERNEL !== 'newest' ? describe : describe.skip

export function run(command: string, args: readonly string[]): string {
  return execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
}

/** A tool's words and exit status, where it may fail. */
export function attempt(
  command: string,
  args: readonly string[],
): { status: number; output: string } {
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8' })
  return { status: status ?? -1, output: stdout + stderr }
}

export interface LsmodRow {
  name: string
  size: number
  count: number
  users: string[]
}

export function lsmod(): LsmodRow[] {
  const [, ...rows] = run('lsmod', []).trimEnd().split('\n')
  return rows.map((row) => {
    const [name = '', size, count, users] = row.split(/\s+/)
    return { name, size: Number(size), count: Number(count), users: users?.split(',') ?? [] }
  })
}

export function isInKernel(name: string): boolean {
  return existsSync(`/sys/module/${name}/initstate`)
}

export function modprobe(...args: string[]): void {
  run('modprobe', args)
}

/** Unloads what a test may have left, from the top down; what is not there is no matter. */
export function cleanUp(...names: string[]): void {
  for (const name of names) spawnSync('rmmod', [name])
}

export function setParameter(module: string, name: string, value: string): void {
  writeFileSync(`/sys/module/${module}/parameters/${name}`, value)
}

/** Waits until something is so; fails where it does not come to be. */
export async function until(what: string, isSo: () => boolean, seconds = 15): Promise<void> {
  const end = Date.now() + seconds * 1000
  while (!isSo()) {
    if (Date.now() > end) throw new Error(`Not within ${seconds} s: ${what}`)
    await delay(20)
  }
}

/** Does /proc/modules show the module in this state? */
export function isState(name: string, state: 'Live' | 'Loading' | 'Unloading'): boolean {
  const rows = readFileSync('/proc/modules', 'utf8').split('\n')
  return rows.some((row) => row.startsWith(`${name} `) && row.includes(` ${state} `))
}

/** Runs a script that uses the package, in a process of its own, under another command. */
export function nodeUnder(
  wrapper: readonly string[],
  script: string,
): { status: number; stdout: string; stderr: string } {
  const [command, ...args] = [...wrapper, process.execPath, '-e', script]
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8', cwd: ROOT })
  return { status: status ?? -1, stdout, stderr }
}
