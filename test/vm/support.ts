/** For tests that run as root in a guest: its kernel, Debian's tools as oracles, and clean-up. */
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { open, type FileHandle } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'

export { ROOT } from '../support/child'
export { rejection } from '../support/rejection'

/** Milliseconds. Jest cannot end a test while it waits for a tool (jest.setTimeout() in setup.ts). */
const TOOL_DEADLINE = 80_000

export const RELEASE = run('uname', ['-r']).trim()
export const MODULE_DIRECTORY = `/lib/modules/${RELEASE}`

/**
 * For tests of the misbehaving test modules. The newest kernel has none (its headers need a newer Debian
 * than the host may be): there these tests show as skipped. Every other kernel fails without them.
 */
export const describeWithTestModules =
  process.env.KMOD_KERNEL === 'newest' && !existsSync(`${MODULE_DIRECTORY}/extra/kmodtest_base.ko`)
    ? describe.skip
    : describe

/** What a tool prints on its standard output. Throws if it fails. */
export function run(command: string, args: readonly string[]): string {
  return execFileSync(command, args, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: TOOL_DEADLINE,
  })
}

/** What a tool that may fail prints on both its outputs, and its exit status. */
export function attempt(
  command: string,
  args: readonly string[],
): { status: number; output: string } {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    encoding: 'utf8',
    timeout: TOOL_DEADLINE,
  })
  if (error !== undefined) throw error
  return { status: status ?? -1, output: stdout + stderr }
}

const undos: (() => unknown)[] = []

/** Calls a function when the test has ended, passed or not. The last one that was given runs first. */
export function afterThisTest(undo: () => unknown): void {
  undos.push(undo)
}

/** For setup.ts. One function that fails does not keep the others from running. */
export async function undoTest(): Promise<void> {
  const errors: unknown[] = []
  for (let undo = undos.pop(); undo !== undefined; undo = undos.pop()) {
    try {
      await undo()
    } catch (error) {
      errors.push(error)
    }
  }
  if (errors.length > 0) throw errors[0]
}

/** A new folder that is deleted after the test. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'kmod-test-'))
  afterThisTest(() => rmSync(folder, { recursive: true, force: true }))
  return folder
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

/** The reference count of a loaded module, as lsmod prints it. */
export function countOf(module: string): number {
  return lsmod().find(({ name }) => name === module)!.count
}

export function isInKernel(name: string): boolean {
  return existsSync(`/sys/module/${name}/initstate`)
}

/** Whether /proc/modules shows the module in this state. */
export function isState(name: string, state: 'Live' | 'Loading' | 'Unloading'): boolean {
  const rows = readFileSync('/proc/modules', 'utf8').split('\n')
  return rows.some((row) => row.startsWith(`${name} `) && row.includes(` ${state} `))
}

/** What a test loads is removed after it (setup.ts). */
export function modprobe(...args: string[]): void {
  run('modprobe', args)
}

/** Removes modules in this order. Those that are not loaded, or in use, are passed over. */
export function removeModules(...names: string[]): void {
  attempt('rmmod', names)
}

export function setParameter(module: string, name: string, value: string): void {
  writeFileSync(`/sys/module/${module}/parameters/${name}`, value)
}

/** Lets the init or exit function of kmodtest_hang_* return. Nothing, if the module is not loaded. */
export function letReturn(module: string): void {
  if (existsSync(`/sys/module/${module}/parameters/release`)) setParameter(module, 'release', '1')
}

/** Writes a setting like net.core.default_qdisc. The one before is put back after the test. */
export function setSysctl(name: string, value: string): void {
  const file = `/proc/sys/${name.replaceAll('.', '/')}`
  const before = readFileSync(file, 'utf8')
  afterThisTest(() => writeFileSync(file, before))
  writeFileSync(file, value)
}

/** Adds a network interface (`ip link add name NAME ARGUMENTS`), which is deleted after the test. */
export function addLink(name: string, ...args: string[]): void {
  run('ip', ['link', 'add', 'name', name, ...args])
  afterThisTest(() => attempt('ip', ['link', 'del', name]))
}

/** Adds a network namespace, which is deleted after the test. */
export function addNamespace(name: string): void {
  run('ip', ['netns', 'add', name])
  afterThisTest(() => attempt('ip', ['netns', 'del', name]))
}

/** Opens a device of the module tun, which is then in use until the device is closed. */
export async function openTun(): Promise<FileHandle> {
  modprobe('tun')
  const device = await open('/dev/net/tun')
  // Closing it once more does nothing.
  afterThisTest(() => device.close())
  return device
}

/** Waits until a condition holds; fails if it does not within 15 seconds. */
export async function until(what: string, holds: () => boolean, seconds = 60): Promise<void> {
  const end = Date.now() + seconds * 1000
  while (!holds()) {
    if (Date.now() > end) throw new Error(`This did not happen within ${seconds} s: ${what}`)
    await delay(20)
  }
}
