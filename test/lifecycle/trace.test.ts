/** trace() on any machine, with or without tracefs. On a real kernel: test/vm/one-kernel/trace. */
import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { runScript } from '../support/child'
import { copyPackage } from '../support/readable-copy'

test('an iterator whose next() is never called does not keep the process alive', async () => {
  const script = `
    const { trace } = require('node-kmod')
    const events = trace('kmodtest_none')
    const other = trace('kmodtest_none', { signal: new AbortController().signal })`
  expect(await runScript(script)).toEqual({ code: 0, signal: null, stdout: '', stderr: '' })
})

test('return() ends an iterator whose next() was never called', async () => {
  const script = `
    const events = require('node-kmod').trace('kmodtest_none')
    events.return().then(({ done }) => console.log(done))`
  expect(await runScript(script)).toEqual({ code: 0, signal: null, stdout: 'true\n', stderr: '' })
})

test('for a user without privileges, next() rejects with the reason', async () => {
  // Not os.tmpdir(): TMPDIR can be a folder that only root can enter.
  const folder = mkdtempSync('/tmp/kmod-other-user-')
  try {
    copyPackage(folder)
    const script = `
      if (process.getuid() === 0) process.setuid(65534)
      require('node-kmod').trace('kmodtest_none').next().catch(({ code }) => console.log(code))`
    const { code, stdout, stderr } = await runScript(script, {
      cwd: folder,
      env: { NODE_KMOD_BINDING: join(folder, 'build', 'Release', 'kmod.node') },
    })
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toMatch(/^(ERR_KMOD_UNSUPPORTED|ERR_KMOD_PERMISSION)\n$/)
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test('on a platform other than Linux, next() rejects with ERR_KMOD_UNSUPPORTED', async () => {
  const script = `
    Object.defineProperty(process, 'platform', { value: 'darwin' })
    require('node-kmod').trace('dummy').next().catch(({ code }) => console.log(code))`
  const { stdout } = await runScript(script)
  expect(stdout).toBe('ERR_KMOD_UNSUPPORTED\n')
})
