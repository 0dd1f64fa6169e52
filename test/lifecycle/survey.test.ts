/** What any Linux machine can show of the survey; with a real kernel: test/vm/survey. */
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { closeSync, existsSync, openSync, readFileSync, statSync } from 'node:fs'
import { onKernelChange } from '../../lib/live/helper/events'
import { readSurvey } from '../../lib/live/helper/survey'
import { runScript } from '../support/child'

/** A device that can be opened and is none of those that are always there. */
const DEVICE = ['/dev/net/tun', '/dev/fuse', '/dev/loop-control'].find((path) => isOpenable(path))
const NETNS = `kmod-test-${process.pid}`
const KIND = process.getuid?.() === 0 ? ['dummy', 'ifb', 'bridge'].find(canMakeLink) : undefined

test('the own mounts are those of /proc/self/mountinfo', async () => {
  const { mountTables, openDevices } = await readSurvey(false)
  const own = mountTables.filter((table) => table.own)
  expect(own).toEqual([
    expect.objectContaining({
      pid: process.pid,
      text: readFileSync('/proc/self/mountinfo', 'utf8'),
    }),
  ])
  expect(openDevices).toEqual([])
})

test('many surveys at once all get their answers', async () => {
  const surveys = await Promise.all(Array.from({ length: 20 }, () => readSurvey(true)))
  for (const survey of surveys) expect(survey.mountTables).not.toEqual([])
})

test('devices that are always there are left out', async () => {
  const fd = openSync('/dev/null', 'r')
  try {
    const { openDevices } = await readSurvey(true)
    expect(openDevices.filter(({ path }) => path.startsWith('/dev/null'))).toEqual([])
  } finally {
    closeSync(fd)
  }
})

const withDevice = DEVICE === undefined ? test.skip : test

withDevice('an open device is told, of this process and of its children', async () => {
  const device = DEVICE!
  const fd = openSync(device, 'r')
  const child = spawn('sleep', ['60'], { stdio: [fd, 'ignore', 'ignore'] })
  try {
    const rdev = statSync(device).rdev
    const { openDevices } = await readSurvey(true)
    const what = { path: device, self: true, type: 'char', device: numberOf(rdev) }
    const mine = openDevices.filter(({ path, self }) => self && path === device)
    expect(mine).toContainEqual(expect.objectContaining({ ...what, pid: process.pid, fd }))
    expect(mine).toContainEqual({ ...what, pid: child.pid, comm: 'sleep', fd: 0 })
  } finally {
    child.kill()
    closeSync(fd)
  }
})

const withNamespace = KIND === undefined ? test.skip : test

withNamespace('interfaces of a namespace without a process are told by its path', async () => {
  execFileSync('ip', ['netns', 'add', NETNS])
  try {
    execFileSync('ip', ['-n', NETNS, 'link', 'add', 'kmodt0', 'type', KIND!])
    execFileSync('ip', ['-n', NETNS, 'link', 'set', 'kmodt0', 'up'])
    execFileSync('ip', ['-n', NETNS, 'addr', 'add', '192.0.2.2/24', 'dev', 'kmodt0'])
    execFileSync('ip', ['-n', NETNS, 'route', 'add', 'default', 'via', '192.0.2.1'])
    const { links, defaultRoutes } = await readSurvey(false)
    const link = links.find(({ name }) => name === 'kmodt0')
    expect(link).toMatchObject({
      netns: expect.stringMatching(new RegExp(`/run/netns/${NETNS}$`)) as string,
      up: true,
      kind: KIND,
      master: 0,
      lower: 0,
    })
    expect(defaultRoutes).toContainEqual({ netns: link?.netns, index: link?.index })
    // And this process is where it was.
    expect(links.some(({ netns }) => netns === null)).toBe(true)
  } finally {
    execFileSync('ip', ['netns', 'del', NETNS])
  }
})

test('a watch tells that it stands, and keeps no process alive', async () => {
  const told = await new Promise<string>((resolve) => {
    const end = onKernelChange(() => {
      end()
      resolve('told')
    })
  })
  expect(told).toBe('told')
  const script = `
    const { onKernelChange } = require('./dist/live/helper/events')
    onKernelChange(() => console.log('told'))`
  expect(await runScript(script)).toMatchObject({ code: 0, stderr: '' })
})

test('a watch that ends takes its helper along', async () => {
  const script = `
    const { onKernelChange } = require('./dist/live/helper/events')
    const { readdirSync, readFileSync } = require('fs')
    // Without starting another process for it.
    const helpers = () => readdirSync('/proc/self/task')
      .flatMap((task) => readFileSync('/proc/self/task/' + task + '/children', 'utf8').split(' '))
      .filter((pid) => pid !== '' && /kmod-events\\) [^Z]/.test(readFileSync('/proc/' + pid + '/stat', 'utf8')))
      .length
    const one = onKernelChange(() => undefined)
    const two = onKernelChange(() => {
      one()
      const during = helpers()
      two()
      setTimeout(() => console.log(during, helpers()), 500)
    })
    setTimeout(() => undefined, 2000)`
  expect(await runScript(script)).toEqual({ code: 0, signal: null, stdout: '1 0\n', stderr: '' })
})

function isOpenable(path: string): boolean {
  try {
    if (!existsSync(path)) return false
    closeSync(openSync(path, 'r'))
    return true
  } catch {
    return false
  }
}

function canMakeLink(kind: string): boolean {
  const add = spawnSync('ip', ['netns', 'add', NETNS])
  if (add.error !== undefined || add.status !== 0) return false
  const made = spawnSync('ip', ['-n', NETNS, 'link', 'add', 'kmodt0', 'type', kind])
  spawnSync('ip', ['netns', 'del', NETNS])
  return made.status === 0
}

function numberOf(rdev: number): string {
  return `${(rdev >> 8) & 0xfff}:${(rdev & 0xff) | ((rdev >> 12) & 0xfff00)}`
}
