/** What each role of the helper keeps of the privileges of root, and what it can still read. */
import { chmodSync, copyFileSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { kmod } from 'node-kmod'
import { childrenOf, nodeUnder } from '../processes'
import { begin, recording } from '../tracing'
import { modprobe, MODULE_DIRECTORY, openTun, run, temporaryFolder, until } from '../support'

/** Numbers of capabilities. Source: include/uapi/linux/capability.h. */
const DAC_OVERRIDE = 1
const DAC_READ_SEARCH = 2
const NET_ADMIN = 12
const SYS_CHROOT = 18
const SYS_PTRACE = 19
const SYS_ADMIN = 21

const setOf = (...numbers: number[]): bigint =>
  numbers.reduce((set, number) => set | (1n << BigInt(number)), 0n)

interface Privileges {
  users: string
  groups: string
  effective: bigint
  permitted: bigint
  ambient: bigint
  noNewPrivileges: boolean
}

function privilegesOf(pid: number | 'self'): Privileges {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const value = (key: string): string =>
    new RegExp(`^${key}:[ \\t]*(.*?)[ \\t]*$`, 'm').exec(status)![1]!
  const set = (key: string): bigint => BigInt(`0x${value(key)}`)
  return {
    users: `${value('Uid')}\t${value('Gid')}`,
    groups: value('Groups'),
    effective: set('CapEff'),
    permitted: set('CapPrm'),
    ambient: set('CapAmb'),
    noNewPrivileges: value('NoNewPrivs') === '1',
  }
}

const nameOf = (pid: number): string => readFileSync(`/proc/${pid}/comm`, 'utf8').trim()

function helperOf(role: string): number {
  const pid = childrenOf(process.pid).find((child) => nameOf(child) === `kmod-${role}`)
  if (pid === undefined) throw new Error(`No helper has the role ${role}.`)
  return pid
}

const USERS = { root: Array(8).fill('0').join('\t'), nobody: Array(8).fill('65534').join('\t') }

const withOnly = (user: keyof typeof USERS, ...capabilities: number[]): Privileges => ({
  users: USERS[user],
  groups: user === 'root' ? privilegesOf('self').groups : '',
  effective: setOf(...capabilities),
  permitted: setOf(...capabilities),
  ambient: 0n,
  noNewPrivileges: true,
})

test('the roles that parse what others write keep only what they need', async () => {
  await kmod.info('dummy')
  expect(privilegesOf(helperOf('queries'))).toEqual(withOnly('nobody', DAC_READ_SEARCH))
  await kmod.explain('9p')
  expect(privilegesOf(helperOf('survey'))).toEqual(
    withOnly('root', SYS_PTRACE, DAC_READ_SEARCH, SYS_ADMIN, SYS_CHROOT, NET_ADMIN),
  )
})

test('the roles that wait for events keep only what they need', async () => {
  const tun = await openTun()
  const waiting = kmod.unload('tun', { guard: 'off', wait: 60_000 })
  await until('the events are watched', () =>
    childrenOf(process.pid).some((child) => nameOf(child) === 'kmod-events'),
  )
  // The process has this name before it has begun to serve.
  await until('they are watched without privileges', () =>
    privilegesOf(helperOf('events')).users.startsWith('65534'),
  )
  expect(privilegesOf(helperOf('events'))).toEqual(withOnly('nobody'))
  await tun.close()
  await waiting

  modprobe('tun')
  begin('tun')
  await recording()
  expect(privilegesOf(helperOf('trace'))).toEqual(withOnly('root', DAC_OVERRIDE, SYS_PTRACE))
})

test('commands of modprobe.d keep all privileges', async () => {
  modprobe('dummy')
  await kmod.unload('dummy')
  const { noNewPrivileges, effective, users } = privilegesOf(helperOf('changes'))
  const own = privilegesOf('self')
  expect({ noNewPrivileges, effective, users }).toEqual({
    noNewPrivileges: false,
    effective: own.effective,
    users: own.users,
  })
})

/** A module file, in a folder, that only root can read. */
function secretFile(): string {
  const folder = join(temporaryFolder(), 'secret')
  mkdirSync(folder, { mode: 0o700 })
  const source = run('modinfo', ['-F', 'filename', 'dummy']).trim()
  const file = join(folder, source.replace(/.*\//, ''))
  copyFileSync(source, file)
  chmodSync(file, 0o600)
  return file
}

const DESCRIPTION = run('modinfo', ['-F', 'description', 'dummy']).trim()

test('a module file that only root can read is described', async () => {
  expect(await kmod.info({ file: secretFile() })).toMatchObject({
    name: 'dummy',
    description: DESCRIPTION,
  })
})

test('indexes that only root can read are used', () => {
  const folder = join(temporaryFolder(), 'secret')
  mkdirSync(folder, { mode: 0o700 })
  for (const name of run('ls', [MODULE_DIRECTORY]).trim().split('\n')) {
    if (!name.startsWith('modules.')) continue
    copyFileSync(join(MODULE_DIRECTORY, name), join(folder, name))
    chmodSync(join(folder, name), 0o600)
  }
  const script = `
    const { Kmod } = require('node-kmod')
    new Kmod({ moduleDirectory: '${folder}' }).resolve('rtnl-link-dummy').then(console.log)`
  expect(nodeUnder([], script)).toEqual({ status: 0, stdout: "[ 'dummy' ]\n", stderr: '' })
})

test('where root lacks the capability to read every file, it stays root without capabilities', () => {
  const file = secretFile()
  const script = `
    const { kmod } = require('node-kmod')
    const { readFileSync } = require('node:fs')
    const { execFileSync } = require('node:child_process')
    kmod.info({ file: '${file}' }).then(({ description }) => {
      const [pid] = execFileSync('pgrep', ['-P', String(process.pid), '^kmod-queries'], { encoding: 'utf8' }).split('\\n')
      const status = readFileSync('/proc/' + pid + '/status', 'utf8')
      console.log(JSON.stringify([description, /^Uid:\\t(\\d+)/m.exec(status)[1], /^CapEff:\\t0*(\\w*)$/m.exec(status)[1]]))
    })`
  const without = ['--bounding-set', '-dac_read_search', '--inh-caps', '-dac_read_search']
  const { stdout, stderr } = nodeUnder(['setpriv', ...without], script)
  expect(stderr).toBe('')
  expect(JSON.parse(stdout)).toEqual([DESCRIPTION, '0', ''])
})
