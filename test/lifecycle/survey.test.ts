/**
 * The survey of mounts, interfaces and open devices, as far as every Linux machine has them. On a real
 * kernel, with devices and network namespaces: test/vm/one-kernel/survey.
 */
import { closeSync, openSync, readFileSync } from 'node:fs'
import { runScript } from '../support/child'
import { onKernelChange, readSurvey } from '../support/live'

test('the mounts of this process are those of /proc/self/mountinfo', async () => {
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

test('many surveys at the same time all resolve', async () => {
  const surveys = await Promise.all(Array.from({ length: 20 }, () => readSurvey(true)))
  for (const survey of surveys) expect(survey.mountTables).not.toEqual([])
})

test('devices that are part of every kernel are left out', async () => {
  const fd = openSync('/dev/null', 'r')
  try {
    const { openDevices } = await readSurvey(true)
    expect(openDevices.filter(({ path }) => path.startsWith('/dev/null'))).toEqual([])
  } finally {
    closeSync(fd)
  }
})

test('a watch calls back once when it has started, and does not keep the process alive', async () => {
  const told = await new Promise<string>((resolve) => {
    const end = onKernelChange(() => {
      end()
      resolve('told')
    })
  })
  expect(told).toBe('told')
  const script = `
    const { KernelEvents } = require('./dist/live/helper/events')
    const events = new KernelEvents(10_000)
    const onKernelChange = (listener) => events.onChange(listener)
    onKernelChange(() => console.log('told'))`
  expect(await runScript(script)).toMatchObject({ code: 0, stderr: '' })
})

test('the helper of a watch ends with the last watch', async () => {
  const script = `
    const { KernelEvents } = require('./dist/live/helper/events')
    const events = new KernelEvents(10_000)
    const onKernelChange = (listener) => events.onChange(listener)
    const { readdirSync, readFileSync } = require('fs')
    // Found without starting another process.
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
