/** The machine that Ansible runs on: the collection as it is installed, and Ansible's programs. */
import { execFileSync, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { outcomeOf, ROOT, type Outcome } from '../support/child'

/** Debian's, whatever other Python is on the PATH. */
export const PYTHON = '/usr/bin/python3'

export interface Controller {
  /** Deleted by close(). */
  folder: string
  /** The installed collection. */
  collection: string
  /** A file that runs this checkout's node-kmod. */
  executable: string
  /** Options for ssh. Its file of known hosts is `known_hosts` in the folder. */
  sshOptions: readonly string[]
  /** Runs one of Ansible's programs. Calls `onText` with what it prints, while it runs. */
  run(program: string, args: readonly string[], options?: RunOptions): Promise<Outcome>
  close(): void
}

export interface RunOptions {
  cwd?: string
  env?: NodeJS.ProcessEnv
  onText?: (text: string) => void
}

/** Builds the collection as it is published, and installs it in a new folder. Nothing is downloaded. */
export async function openController(): Promise<Controller> {
  const folder = mkdtempSync(join(tmpdir(), 'kmod-fleet-'))
  const collections = join(folder, 'collections')
  const executable = join(folder, 'node-kmod')
  const program = join(ROOT, 'dist', 'cli', 'main.js')
  writeFileSync(executable, `#!/bin/sh\nexec '${process.execPath}' '${program}' "$@"\n`, {
    mode: 0o755,
  })
  const configuration = join(folder, 'ansible.cfg')
  writeFileSync(configuration, '[defaults]\n')
  // Without the configuration of ssh, and the keys of its agent, that the user of this system has.
  const sshOptions = [
    ...['-F', 'none', '-o', 'IdentitiesOnly=yes', '-o', 'BatchMode=yes', '-o', 'ConnectTimeout=10'],
    ...['-o', 'ServerAliveInterval=15'],
    ...['-o', `UserKnownHostsFile=${join(folder, 'known_hosts')}`],
  ]
  // Nothing of the user's: another Python on the PATH lacks Debian's packages, and Ansible keeps files at home.
  const environment: NodeJS.ProcessEnv = {
    HOME: folder,
    LC_ALL: 'C.UTF-8',
    PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
    ANSIBLE_CONFIG: configuration,
    ANSIBLE_HOME: join(folder, 'ansible'),
    ANSIBLE_COLLECTIONS_PATH: collections,
    ANSIBLE_NOCOLOR: '1',
    ANSIBLE_PIPELINING: '1',
    ANSIBLE_SSH_USETTY: '0',
    ANSIBLE_SSH_ARGS: ['-o ControlMaster=auto -o ControlPersist=60s', ...sshOptions].join(' '),
    ANSIBLE_SSH_CONTROL_PATH_DIR: join(folder, 'ssh'),
  }
  mkdirSync(join(folder, 'ansible'))
  const run: Controller['run'] = (name, args, { cwd = folder, env, onText } = {}) => {
    const child = spawn(name, args, { cwd, env: { ...environment, ...env } })
    child.stdin.end()
    if (onText !== undefined) child.stdout.on('data', (piece: Buffer) => onText(piece.toString()))
    return outcomeOf(child)
  }
  const must = async (name: string, ...args: string[]): Promise<void> => {
    const { code, stdout, stderr } = await run(name, args)
    if (code !== 0) throw new Error(`${name} ${args.join(' ')}: exit ${code}\n${stdout}${stderr}`)
  }
  await must('ansible-galaxy', 'collection', 'build', join(ROOT, 'ansible'))
  const archive = readdirSync(folder).find((name) => name.endsWith('.tar.gz'))!
  await must('ansible-galaxy', 'collection', 'install', archive, '-p', collections, '--no-deps')
  return {
    folder,
    collection: join(collections, 'ansible_collections', 'node_kmod', 'kmod'),
    executable,
    sshOptions,
    run,
    close: () => rmSync(folder, { recursive: true, force: true }),
  }
}

/** What Ansible knows of a module, a play or a host. */
export type Result = Record<string, unknown>

/** What a program of the host prints. Throws if it fails. */
export function output(program: string, args: readonly string[]): string {
  return execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
}
