/** A capture of the running system answers what the running system answered, field by field. */
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Kmod, kmod } from 'node-kmod'
import { NOBODY, nodeAsOtherUser, startIn, startReady } from '../../processes'
import {
  addLink,
  addNamespace,
  afterThisTest,
  attempt,
  modprobe,
  openTun,
  removeModules,
  run,
  temporaryFolder,
} from '../../support'

jest.setTimeout(240_000)

/** The modules that setUp() uses, and what they use. */
const SET_UP = [
  'bridge',
  'llc',
  'veth',
  'tun',
  'loop',
  'ext4',
  'dummy',
  'sch_htb',
  'nf_tables',
  'nf_conntrack',
]

async function setUp(): Promise<void> {
  modprobe('-a', 'bridge', 'veth', 'tun', 'loop', 'dummy', 'sch_htb', 'nf_tables')
  afterThisTest(() => removeModules('dummy'))
  await openTun()

  const folder = temporaryFolder()
  const image = join(folder, 'an "image"\nof two lines')
  const mountPoint = join(folder, 'mount <script>')
  mkdirSync(mountPoint)
  run('truncate', ['-s', '16M', image])
  run('mkfs.ext4', ['-q', image])
  const device = run('losetup', ['-f', '--show', image]).trim()
  afterThisTest(() => attempt('losetup', ['-d', device]))
  run('mount', [device, mountPoint])
  afterThisTest(() => attempt('umount', [mountPoint]))
  // A process that a plan may end: it is no child of this one.
  const start = '{ cd "$1" && exec sleep 1000; } > /dev/null 2>&1 & echo $!'
  const pid = run('sh', ['-c', start, 'sh', mountPoint]).trim()
  afterThisTest(() => attempt('kill', [pid]))

  addNamespace('kmodnet')
  addLink('kmodbr', 'type', 'bridge')
  addLink('kmodv0', 'type', 'veth', 'peer', 'name', 'kmodv1', 'netns', 'kmodnet')
  run('ip', ['link', 'set', 'kmodv0', 'master', 'kmodbr', 'up'])
  run('ip', ['addr', 'add', '10.77.0.1/24', 'dev', 'kmodbr'])
  run('tc', ['qdisc', 'add', 'dev', 'kmodv0', 'root', 'handle', '1:', 'htb'])
  run('nft', [
    'add table inet kmodtest; add chain inet kmodtest c; add rule inet kmodtest c ct state new',
  ])
  afterThisTest(() => attempt('nft', ['delete', 'table', 'inet', 'kmodtest']))
  await startIn(
    ['unshare', '-m', '-n'],
    'mount -t tmpfs kmodtmp /mnt; ip link add kmodd9 type dummy',
  )

  mkdirSync('/etc/modprobe.d', { recursive: true })
  writeFileSync('/etc/modprobe.d/kmodtest.conf', 'softdep veth pre: dummy\nremove tun /bin/true\n')
  afterThisTest(() => run('rm', ['-r', '/etc/modprobe.d']))
}

/** Without the folder of the root, which differs. */
async function informationOf(system: Kmod, name: string): Promise<unknown> {
  const { path, ...information } = await system.info(name)
  return { ...information, path: path?.replace(/^.*(?=\/lib\/modules\/)/, '') }
}

/** This depends on how busy the machine is. */
const TOO_SLOW = 'connections to other machines beyond '

/** Without what was not read in time. */
function complete(answer: unknown): unknown {
  const text = JSON.stringify(answer, (key, value: unknown) =>
    key === 'unreadable' && Array.isArray(value)
      ? value.filter((one) => !String(one).startsWith(TOO_SLOW))
      : value,
  )
  return JSON.parse(text) as unknown
}

async function answers(system: Kmod): Promise<Record<string, unknown>> {
  const modules = await system.list()
  const names = modules.map(({ name }) => name)
  const all: Record<string, unknown> = { modules }
  for (const name of SET_UP.filter((one) => names.includes(one))) {
    all[`explain ${name}`] = await system.explain(name)
    all[`plan ${name}`] = await system.plan(name)
    all[`impact ${name}`] = await system.impact(name)
    all[`info ${name}`] = await informationOf(system, name)
  }
  all.releases = await system.plan(['ext4', 'loop', 'tun', 'bridge', 'dummy'], {
    release: ['mount', 'swap', 'interface', 'block', 'service', 'process'],
    ...{ holders: 'remove', commands: 'run' },
  })
  all.together = await system.plan(names, { holders: 'remove', commands: 'run' })
  all.graph = await system.graph(undefined, { users: true, plan: all.together as never })
  const { kernel } = await system.preflight()
  all.kernel = kernel
  for (const name of [...names, 'vfat', 'tmpfs', 'no_such_module']) {
    all[`status ${name}`] = await system.status(name)
  }
  for (const alias of ['fs-ext4', 'rtnl-link-bridge', 'net-pf-10', 'char-major-10-200']) {
    all[`resolve ${alias}`] = await system.resolve(alias)
  }
  return all
}

test('the copy answers as the running system', async () => {
  await setUp()
  const folder = join(temporaryFolder(), 'copy')
  const report = await kmod.capture(folder)
  const live = await answers(kmod)
  const copy = await answers(new Kmod({ root: folder }))
  // One by one, so that a failure names the answer.
  for (const [question, answer] of Object.entries(live)) {
    expect({ question, answer: complete(copy[question]) }).toEqual({
      question,
      answer: complete(answer),
    })
  }
  // What was set up is in the answers.
  const text = JSON.stringify(copy)
  for (const what of [
    'kmodbr',
    'kmodv1',
    'kmodd9',
    'kmodtest',
    'htb',
    'mount <script>',
    '/dev/net/tun',
  ]) {
    expect(text).toContain(what)
  }
  expect(report.files).toBeGreaterThan(100)
  expect(statSync(folder).mode & 0o7777).toBe(0o700)
  console.log(
    `${report.files} files, ${report.bytes} bytes, not read: ${report.unreadable.join('; ')}`,
  )
})

test('the copy has no environments, command lines or files of users', async () => {
  const child = await startReady([
    ...['env', 'KMOD_SECRET=hunter2', process.execPath, '-e'],
    'console.log("ready"); setInterval(() => {}, 1e6) // hunter2',
  ])
  const folder = join(temporaryFolder(), 'copy')
  await kmod.capture(folder)
  expect(existsSync(join(folder, 'proc', String(child.pid), 'environ'))).toBe(false)
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
  expect(files.filter((path) => readFileSync(path, 'latin1').includes('hunter2'))).toEqual([])
  const inProcesses = files
    .map((path) => path.slice(folder.length))
    .filter((path) => /^\/proc\/\d/.test(path))
  expect(inProcesses.filter((path) => !/\/(comm|net\/\w+)$/.test(path))).toEqual([])
})

test('an ordinary user can capture what this user sees', () => {
  modprobe('dummy', 'numdummies=0')
  addLink('kmodd0', 'type', 'dummy')
  const folder = temporaryFolder()
  run('chown', ['65534', folder])
  const { stdout, stderr } = nodeAsOtherUser(
    NOBODY,
    `const { Kmod, kmod } = require('node-kmod')
    const { isDeepStrictEqual } = require('node:util')
    const folder = '${folder}/copy'
    kmod.capture(folder).then(async ({ unreadable }) => {
      const [copied, live] = [await new Kmod({ root: folder }).explain('dummy'), await kmod.explain('dummy')]
      console.log(unreadable.length > 0, live.users.length, isDeepStrictEqual(copied, live))
    })`,
  )
  expect({ stdout, stderr }).toEqual({ stdout: 'true 1 true\n', stderr: '' })
})
