/** What runInVm refuses before it starts anything. */
import { spawnSync } from 'node:child_process'
import { runInVm, type VmOptions } from 'node-kmod/vm'
import { ROOT } from '../support/child'

describe('a wrong option is a TypeError', () => {
  const right = { kernel: '6.12', command: ['true'] }
  test.each<[string, unknown, RegExp]>([
    ['none', undefined, /options/],
    ['no kernel', { command: ['true'] }, /options\.kernel/],
    ['no command', { kernel: '6.12' }, /options\.command/],
    ['an empty command', { ...right, command: [] }, /options\.command/],
    ['another kernel', { ...right, kernel: '6.13' }, /Did you mean/],
    [
      'a kernel without modules',
      { ...right, kernel: { image: '/boot/vmlinuz' } },
      /image, modules/,
    ],
    ['a misspelt option', { ...right, timout: 5 }, /"timout".*timeout/],
    ['a variable with a dash', { ...right, env: { 'A-B': '' } }, /options\.env/],
    ['a part of a processor', { ...right, processors: 1.5 }, /whole number/],
    ['too little memory', { ...right, memory: 16 }, /256/],
    ['no time', { ...right, timeout: 0 }, /options\.timeout/],
    ['another accelerator', { ...right, accelerator: 'hax' }, /options\.accelerator/],
  ])('%s', async (_, options, message) => {
    const error: unknown = await runInVm(options as VmOptions).catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(TypeError)
    expect(error).toMatchObject({ message: expect.stringMatching(message) as string })
  })
})

test('one error names everything that is missing, and how it is installed', () => {
  const script = `require('node-kmod/vm').runInVm({ kernel: '6.12', command: ['true'] }).catch((error) =>
    console.log(JSON.stringify(error)))`
  const { stdout } = spawnSync(process.execPath, ['-e', script], {
    cwd: ROOT,
    env: { PATH: '/nonexistent' },
    encoding: 'utf8',
  })
  expect(JSON.parse(stdout)).toMatchObject({
    code: 'ERR_KMOD_VM',
    console: '',
    message: expect.stringMatching(
      /needs qemu-system-x86_64, busybox, cpio.*`apt-get install qemu-system-x86 busybox-static cpio.*`dnf install qemu-system-x86-core busybox cpio/s,
    ) as string,
  })
})
