/** Services of a real systemd that hold a module: they are stopped, and started again after a failure. */
import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { kmod, type ReleaseKind } from 'node-kmod'
import {
  afterThisTest,
  attempt,
  countOf,
  isInKernel,
  modprobe,
  rejection,
  run,
  until,
} from '../support'

/** A service that has /dev/net/tun open. It starts again if it ends in any other way than by a stop. */
const UNIT = 'holder.service'

const isActive = (): boolean => attempt('systemctl', ['is-active', UNIT]).output === 'active\n'
const serviceProcess = (): number =>
  Number(run('systemctl', ['show', '--property=MainPID', '--value', UNIT]))

beforeAll(() => {
  writeFileSync(
    `/run/systemd/system/${UNIT}`,
    `[Unit]
     DefaultDependencies=no
     [Service]
     ExecStart=/bin/sh -c 'exec sleep 1000 3<>/dev/net/tun'
     Restart=always
     RestartSec=100ms`.replaceAll(/^ +/gm, ''),
  )
  run('systemctl', ['daemon-reload'])
})

beforeEach(async () => {
  modprobe('tun')
  run('systemctl', ['start', UNIT])
  afterThisTest(() => attempt('systemctl', ['stop', UNIT]))
  // The kernel counts two references for each open file of the device.
  await until('the service has the device open', () => countOf('tun') === 2)
})

test('explain names the service of the process, and how to stop it', async () => {
  const { refCount, users, unexplained } = await kmod.explain('tun')
  expect(users).toMatchObject([
    {
      kind: 'process',
      pid: serviceProcess(),
      unit: UNIT,
      release: { kind: 'service', command: ['systemctl', 'stop', UNIT] },
    },
  ])
  expect({ refCount, unexplained }).toEqual({ refCount: 2, unexplained: 0 })
})

test('the service is stopped, and stays stopped', async () => {
  const report = await kmod.unload('tun', { release: ['service'] })
  expect(report.released).toMatchObject([{ command: ['systemctl', 'stop', UNIT] }])
  expect(report.removed).toEqual(['tun'])
  expect(isInKernel('tun')).toBe(false)
  expect(isActive()).toBe(false)
})

test('consent to end processes is not consent to stop services', async () => {
  const pid = serviceProcess()
  const error = await rejection(kmod.unload('tun', { release: ['process'] }))
  expect(error.code).toBe('ERR_KMOD_IN_USE')
  expect(error.message).toContain(`stop ${UNIT}`)
  expect(serviceProcess()).toBe(pid)
})

test('after a failure the service runs again', async () => {
  modprobe('llc')
  const before = serviceProcess()
  const { report, code } = await rejection(
    kmod.unload(['tun', 'llc'], {
      release: ['service'],
      onFailure: 'restore',
      onStep: ({ step, state }) => {
        if (step.action === 'remove' && step.module === 'llc' && state === 'start')
          throw new Error('stop here')
      },
    }),
  )
  expect(code).toBe('ERR_KMOD_CALLBACK')
  expect(report).toMatchObject({ released: [{ undone: true }], notRestored: [] })
  expect(isInKernel('tun')).toBe(true)
  await until('the device is open again', () => countOf('tun') === 2)
  expect(serviceProcess()).not.toBe(before)
  expect(isActive()).toBe(true)
})

test('the service that this program runs in is never stopped', async () => {
  run('systemctl', ['stop', UNIT])
  const child = spawn('sh', ['-c', 'exec sleep 1000 3<>/dev/net/tun'], { stdio: 'ignore' })
  afterThisTest(() => child.kill())
  await until('the device is open', () => countOf('tun') === 2)
  expect((await kmod.explain('tun')).users).toMatchObject([
    { pid: child.pid, release: { command: null } },
  ])
  const release: ReleaseKind[] = ['service', 'process']
  expect(await rejection(kmod.unload('tun', { release }))).toMatchObject({
    code: 'ERR_KMOD_IN_USE',
  })
  expect(child.exitCode).toBeNull()
})
