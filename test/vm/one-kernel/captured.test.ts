/** Files of the running system, copied into a captured one: both must give the same answers. */
import { readFileSync } from 'node:fs'
import { Kmod, kmod } from 'node-kmod'
import { CapturedSystem } from '../../support/captured-system'
import { afterThisTest, modprobe, MODULE_DIRECTORY, run } from '../support'

let system: CapturedSystem
beforeEach(() => {
  modprobe('-a', 'bridge', 'dummy')
  system = new CapturedSystem()
  afterThisTest(() => system.remove())
})

test('the table and the aliases are those of the running system', async () => {
  system.write('proc/modules', readFileSync('/proc/modules'))
  run('cp', ['-r', '--parents', ...indexFiles(), system.root])
  const captured = new Kmod({ root: system.root })
  expect(await captured.list()).toEqual(await kmod.list())
  for (const alias of ['fs-ext4', 'rtnl-link-bridge', 'net-pf-10']) {
    expect(await captured.resolve(alias)).toEqual(await kmod.resolve(alias))
  }
  expect(await captured.status('vfat')).toBe('unloaded')
})

test('the kernel command line applies to the running system only', async () => {
  expect(readFileSync('/proc/cmdline', 'utf8')).toContain('vfat.from_command_line=1')
  system.write('proc/modules', '')
  run('cp', ['-r', '--parents', ...indexFiles(), `${(await kmod.info('vfat')).path}`, system.root])
  system.write('etc/modprobe.d/own.conf', 'options vfat own=1\n')
  const captured = new Kmod({ root: system.root })
  expect((await kmod.info('vfat')).config).toMatchObject({
    options: 'from_command_line=1',
    blacklisted: true,
  })
  expect((await captured.info('vfat')).config).toMatchObject({
    options: 'own=1',
    blacklisted: false,
  })
})

function indexFiles(): string[] {
  return run('sh', ['-c', `ls ${MODULE_DIRECTORY}/modules.*`])
    .trimEnd()
    .split('\n')
}
