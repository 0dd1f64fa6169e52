import { existsSync, readFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { cleanUp, isInKernel, modprobe, nodeUnder, run } from '../support'

const NOBODY = ['setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups']

beforeAll(() => modprobe('dummy'))
afterAll(() => cleanUp('dummy', 'tun'))

const script = `
  const { kmod } = require('node-kmod')
  const code = (promise) => promise.then(() => 'done', ({ code, message }) => [code, message])
  ;(async () => {
    const { canUnload, capability, problems } = await kmod.preflight()
    console.log(JSON.stringify({
      listed: (await kmod.list()).some(({ name }) => name === 'dummy'),
      canUnload, capability, problems: problems.map(({ code }) => code),
      remove: await code(kmod.remove('dummy')),
      load: await code(kmod.load('vfat')),
    }))
  })()`

interface Result {
  listed: boolean
  canUnload: boolean
  capability: boolean
  problems: string[]
  remove: [string, string]
  load: [string, string]
}

/** unshare maps no more than it is told ranges of; the file itself takes them all. */
const MAP_EVERY_ID = `
  exec 3<&0
  unshare --user sh -c 'until grep -q 4294967295 /proc/self/uid_map; do sleep 0.05; done; exec "$@"' - "$@" &
  until echo 0 0 4294967295 > /proc/$!/uid_map && echo 0 0 4294967295 > /proc/$!/gid_map; do sleep 0.05; done 2> /dev/null
  wait $!`

function tryUnder(...wrapper: string[]): Result {
  const { status, stdout, stderr } = nodeUnder(wrapper, script)
  if (status !== 0) throw new Error(stderr)
  return JSON.parse(stdout) as Result
}

test.each([
  ['another user', NOBODY],
  [
    'root without CAP_SYS_MODULE',
    ['setpriv', '--bounding-set', '-sys_module', '--inh-caps', '-sys_module'],
  ],
  ['root of a nested user namespace', ['unshare', '--user', '--map-root-user']],
  [
    // Its uid_map is that of the initial one: only the namespace's number tells.
    'root of a nested user namespace that maps every id',
    ['sh', '-c', MAP_EVERY_ID, '-'],
  ],
])('%s may look, and not change', (_, wrapper) => {
  const result = tryUnder(...wrapper)
  expect(result).toMatchObject({
    listed: true,
    canUnload: false,
    capability: false,
    problems: ['ERR_KMOD_PERMISSION'],
    remove: ['ERR_KMOD_PERMISSION', expect.stringContaining('CAP_SYS_MODULE')],
    load: ['ERR_KMOD_PERMISSION', expect.stringContaining('CAP_SYS_MODULE')],
  })
  expect(isInKernel('dummy')).toBe(true)
  expect(isInKernel('vfat')).toBe(false)
})

const LOOK = `
  const { kmod } = require('node-kmod')
  ;(async () => {
    const { references, unexplained, users, unreadable } = await kmod.explain('tun')
    const { feasible, blockers, unreadable: unplanned } = await kmod.plan('tun')
    const refused = await kmod.unload('dummy').catch((error) => error.toJSON())
    console.log(JSON.stringify({
      references, unexplained, users, unreadable, feasible, unplanned,
      blocker: blockers[0].code, refused: [refused.code, refused.report.removed],
    }))
  })()`

test.each([
  ['without root', NOBODY],
  [
    'and with hidden processes',
    [
      ...['unshare', '-m', 'sh', '-c'],
      `mount -t proc -o hidepid=2 proc /proc && exec ${NOBODY.join(' ')} "$@"`,
      '-',
    ],
  ],
])('what cannot be seen %s is said, and nothing invented', async (_, wrapper) => {
  modprobe('tun')
  const device = await open('/dev/net/tun')
  const { status, stdout, stderr } = nodeUnder(wrapper, LOOK)
  const count = Number(readFileSync('/sys/module/tun/refcnt', 'utf8'))
  await device.close()
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  const seen = JSON.parse(stdout) as Record<string, unknown>
  expect(seen).toMatchObject({
    references: count,
    unexplained: count,
    users: [],
    feasible: false,
    blocker: 'ERR_KMOD_IN_USE',
    refused: ['ERR_KMOD_PERMISSION', []],
  })
  expect(String(seen.unreadable)).toMatch(/of other users/)
  expect(String(seen.unplanned)).toMatch(/of other users/)
})

test('CAP_SYS_MODULE alone is enough', () => {
  modprobe('tun')
  const result = nodeUnder(
    [...NOBODY, ...['--inh-caps', '+sys_module', '--ambient-caps', '+sys_module']],
    `require('node-kmod').remove('tun').then(() => console.log('done'), console.log)`,
  )
  expect(result).toEqual({ status: 0, stdout: 'done\n', stderr: '' })
  expect(isInKernel('tun')).toBe(false)
})

test('without libkmod: what needs none works, the rest explains', () => {
  const library = run('sh', ['-c', 'readlink -f /lib/*/libkmod.so.2']).trim()
  expect(existsSync(library)).toBe(true)
  const { stdout, stderr } = nodeUnder(
    ['unshare', '-m', 'sh', '-c', `mount --bind /dev/null ${library} && exec "$@"`, '-'],
    `
    const { kmod } = require('node-kmod')
    const code = (promise) => promise.then((value) => value ?? 'done', ({ code }) => code)
    ;(async () => {
      const { libkmod, problems, canUnload } = await kmod.preflight()
      console.log(JSON.stringify([
        libkmod, canUnload, problems.map(({ code }) => code),
        (await kmod.list()).length > 0, await code(kmod.status('dummy')), await code(kmod.isBuiltin('printk')),
        await code(kmod.status('vfat')), await code(kmod.resolve('vfat')), await code(kmod.info('vfat')),
        await code(kmod.remove('dummy')), await code(kmod.load('vfat')),
      ]))
    })()`,
  )
  expect(stderr).toBe('')
  const missing = 'ERR_KMOD_LIBRARY'
  expect(JSON.parse(stdout)).toEqual([
    ...[null, false, [missing], true, 'live', true],
    ...[missing, missing, missing, missing, missing],
  ])
})
