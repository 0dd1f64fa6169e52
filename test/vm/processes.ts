/** Processes that tests start in a guest. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, copyFileSync, existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { copyPackage } from '../support/readable-copy'
import { afterThisTest, ROOT } from './support'

export interface Output {
  status: number
  stdout: string
  stderr: string
}

/** Runs a script that can require('node-kmod') in a process of its own, under another command. */
export function nodeUnder(wrapper: readonly string[], script: string): Output {
  return runNode(wrapper, process.execPath, script, ROOT)
}

/** As setpriv takes it: a user without any privilege. */
export const NOBODY = ['setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups']

/** All test files of a guest use the same copy. */
const COPY = '/tmp/kmod-readable'

/** Like nodeUnder, for wrappers that change the user, who need not be able to read the checkout. */
export function nodeAsOtherUser(wrapper: readonly string[], script: string): Output {
  const node = join(COPY, 'node')
  if (!existsSync(node)) {
    copyPackage(COPY)
    copyFileSync(process.execPath, node)
    chmodSync(node, 0o755)
  }
  return runNode(wrapper, node, script, COPY)
}

function runNode(wrapper: readonly string[], node: string, script: string, cwd: string): Output {
  const [command, ...args] = [...wrapper, node, '-e', script]
  const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: 'utf8', cwd })
  if (error !== undefined) throw error
  return { status: status ?? -1, stdout, stderr }
}

/** Starts a process, waits until it has printed something, and kills it after the test. */
export async function startReady(argv: readonly string[]): Promise<ChildProcess> {
  const [command, ...args] = argv
  const child = spawn(command!, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  afterThisTest(() => end(child))
  const ended = once(child, 'exit').then(() => {
    throw new Error(`It ended before it was ready: ${argv.join(' ')}`)
  })
  await Promise.race([once(child.stdout, 'data'), ended])
  return child
}

/** A process that has run a shell script, under a command that puts it into namespaces of its own. */
export function startIn(wrapper: readonly string[], script: string): Promise<ChildProcess> {
  return startReady([...wrapper, 'sh', '-c', `${script} && echo ready && exec sleep 1000`])
}

/** The pids of the processes that a process has started and not collected. */
export function childrenOf(pid: number): number[] {
  return readdirSync(`/proc/${pid}/task`)
    .flatMap((thread) => readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8').split(' '))
    .filter((child) => child !== '')
    .map(Number)
}

/** Whether a process exists and is no zombie. */
export function isRunning(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) [ZX]/s.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return false
  }
}

/** Kills a process and waits until it has ended. */
export async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  child.kill('SIGKILL')
  await ended
}
