/** What a process may see and do without root, without CAP_SYS_MODULE, or without libkmod. */
import { copyFileSync, readFileSync, realpathSync, rmSync } from 'node:fs'
import { kmod } from 'node-kmod'
import { nodeAsOtherUser, nodeUnder, NOBODY } from '../processes'
import { afterThisTest, isInKernel, modprobe, openTun, run } from '../support'

beforeEach(() => modprobe('dummy'))

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

/** unshare maps only the ranges that it is given; uid_map itself accepts one range of all ids. */
const MAP_EVERY_ID = `
  exec 3<&0
  unshare --user sh -c 'until grep -q 4294967295 /proc/self/uid_map; do sleep 0.05; done; exec "$@"' - "$@" &
  until echo 0 0 4294967295 > /proc/$!/uid_map && echo 0 0 4294967295 > /proc/$!/gid_map; do sleep 0.05; done 2> /dev/null
  wait $!`

test.each([
  ['another user', NOBODY],
  [
    'root without CAP_SYS_MODULE',
    ['setpriv', '--bounding-set', '-sys_module', '--inh-caps', '-sys_module'],
  ],
  ['root of a nested user namespace', ['unshare', '--user', '--map-root-user']],
  [
    // Its uid_map equals that of the initial namespace: only the number of the namespace differs.
    'root of a nested user namespace that maps every id',
    ['sh', '-c', MAP_EVERY_ID, '-'],
  ],
])('%s can look, but not change anything', (_, wrapper) => {
  const { status, stdout, stderr } = nodeAsOtherUser(wrapper, script)
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  expect(JSON.parse(stdout)).toMatchObject({
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

const HIDE_PROCESSES = `mount -t proc -o hidepid=2 proc /proc && exec ${NOBODY.join(' ')} "$@"`

test.each([
  ['another user', NOBODY],
  [
    'another user from whom processes are hidden',
    ['unshare', '-m', 'sh', '-c', HIDE_PROCESSES, '-'],
  ],
])('what %s cannot see is unexplained, and unreadable says so', async (_, wrapper) => {
  await openTun()
  const { status, stdout, stderr } = nodeAsOtherUser(wrapper, LOOK)
  const count = Number(readFileSync('/sys/module/tun/refcnt', 'utf8'))
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  const seen = JSON.parse(stdout) as { unreadable: string[]; unplanned: string[] }
  expect(seen).toMatchObject({
    references: count,
    unexplained: count,
    users: [],
    feasible: false,
    blocker: 'ERR_KMOD_IN_USE',
    refused: ['ERR_KMOD_PERMISSION', []],
  })
  for (const list of [seen.unreadable, seen.unplanned]) {
    expect(list).toContainEqual(expect.stringMatching(/user/))
  }
})

test('CAP_SYS_MODULE alone is enough to remove a module', () => {
  modprobe('tun')
  const result = nodeAsOtherUser(
    [...NOBODY, ...['--inh-caps', '+sys_module', '--ambient-caps', '+sys_module']],
    `require('node-kmod').remove('tun').then(() => console.log('done'), console.log)`,
  )
  expect(result).toEqual({ status: 0, stdout: 'done\n', stderr: '' })
  expect(isInKernel('tun')).toBe(false)
})

test('without libkmod, calls that need it reject with ERR_KMOD_LIBRARY, and the others work', async () => {
  const library = realpathSync((await kmod.preflight()).libkmod!)
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

describe('a process that drops its privileges', () => {
  const dropped = `
    const { kmod } = require('node-kmod')
    const answer = (promise) => promise.then(() => ['done'], ({ code, message }) => [code, message])
    const drop = () => { process.setgroups([]); process.setgid(65534); process.setuid(65534) }`

  test('has none in its helpers either', () => {
    modprobe('dummy')
    const { stdout, stderr } = nodeAsOtherUser(
      ['env'],
      `${dropped}
       ;(async () => {
         const before = [(await kmod.preflight()).capability, await answer(kmod.remove('dummy'))]
         drop()
         const after = [(await kmod.preflight()).capability, await answer(kmod.load('dummy'))]
         console.log(JSON.stringify([before, after]))
       })()`,
    )
    expect(stderr).toBe('')
    expect(JSON.parse(stdout)).toEqual([
      [true, ['done']],
      [false, ['ERR_KMOD_PERMISSION', expect.stringContaining('CAP_SYS_MODULE')]],
    ])
    expect(isInKernel('dummy')).toBe(false)
  })

  test('cannot use a helper that it started before', () => {
    modprobe('dummy')
    const { stdout, stderr } = nodeAsOtherUser(
      ['env'],
      `${dropped}
       // Otherwise another helper is started.
       process.geteuid = () => 0
       ;(async () => {
         const answers = [await answer(kmod.remove('dummy'))]
         await kmod.resolve('dummy')
         drop()
         answers.push(await answer(kmod.load('dummy')), await answer(kmod.resolve('dummy')))
         await kmod.close()
         answers.push(await answer(kmod.resolve('dummy')))
         console.log(JSON.stringify(answers))
       })()`,
    )
    expect(stderr).toBe('')
    const refused = ['ERR_KMOD_PERMISSION', expect.stringContaining('no longer has the privileges')]
    expect(JSON.parse(stdout)).toEqual([['done'], refused, refused, ['done']])
    expect(isInKernel('dummy')).toBe(false)
  })
})

test('preflight says what the helper may do: capabilities of the executable do not reach it', () => {
  const capable = '/tmp/kmod-capable-node'
  copyFileSync(process.execPath, capable)
  afterThisTest(() => rmSync(capable))
  run('setcap', ['cap_sys_module+ep', capable])
  const { stdout, stderr } = nodeAsOtherUser(
    [...NOBODY, 'sh', '-c', 'shift; exec "$0" "$@"', capable],
    `const own = require('fs').readFileSync('/proc/self/status', 'utf8').includes('CapEff:\\t0000000000010000')
     const { kmod } = require('node-kmod')
     kmod.preflight().then(async ({ canUnload, capability }) =>
       console.log(own, canUnload, capability, await kmod.load('vfat').catch(({ code }) => code)))`,
  )
  expect({ stdout, stderr }).toEqual({
    stdout: 'true false false ERR_KMOD_PERMISSION\n',
    stderr: '',
  })
})
