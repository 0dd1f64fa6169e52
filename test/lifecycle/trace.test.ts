/** Traces on any machine, whether or not it has a tracefs; with a real kernel: test/vm/trace. */
import { runScript } from '../support/child'

const CODES = /^(ERR_KMOD_UNSUPPORTED|ERR_KMOD_PERMISSION)\n$/

test('an iterator that nobody asks does not keep the process alive', async () => {
  const script = `
    const { trace } = require('node-kmod')
    const events = trace('kmodtest_none')
    const other = trace('kmodtest_none', { signal: new AbortController().signal })`
  expect(await runScript(script)).toEqual({ code: 0, signal: null, stdout: '', stderr: '' })
})

test('the end of one that nobody asked is waited for', async () => {
  const script = `
    const events = require('node-kmod').trace('kmodtest_none')
    events.return().then(({ done }) => console.log(done))`
  expect(await runScript(script)).toEqual({ code: 0, signal: null, stdout: 'true\n', stderr: '' })
})

test('another user is told why there is none', async () => {
  const script = `
    if (process.getuid() === 0) process.setuid(65534)
    require('node-kmod').trace('kmodtest_none').next().catch(({ code }) => console.log(code))`
  const { code, stdout, stderr } = await runScript(script)
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(stdout).toMatch(CODES)
})

test('on another platform the first next says so', async () => {
  const script = `
    Object.defineProperty(process, 'platform', { value: 'darwin' })
    require('node-kmod').trace('dummy').next().catch(({ code }) => console.log(code))`
  const { stdout } = await runScript(script)
  expect(stdout).toBe('ERR_KMOD_UNSUPPORTED\n')
})
