/** What preflight() learns from files about a kernel and the process. */
import { gzipSync } from 'node:zlib'
import { readCapability, readKernel, readTaints } from '../../lib/kernel/facts'
import type { SystemFiles } from '../../lib/kernel/system-files'

function files(contents: Record<string, string | Buffer>): SystemFiles {
  const texts = (paths: readonly string[]): Promise<(string | null)[]> =>
    Promise.resolve(paths.map((path) => contents[path]?.toString() ?? null))
  return {
    readTexts: texts,
    readLinks: texts,
    readBytes: (paths) =>
      Promise.resolve(
        paths.map((path) => {
          const content = contents[path]
          return content === undefined ? null : Buffer.from(content)
        }),
      ),
    listNames: (folders) => Promise.resolve(folders.map(() => [])),
    readStatuses: () => Promise.reject(new Error('not used')),
  }
}

const CONFIG = 'CONFIG_MODULES=y\nCONFIG_MODULE_UNLOAD=y\n'

describe('the kernel', () => {
  const kernel = (contents: Record<string, string | Buffer>): ReturnType<typeof readKernel> =>
    readKernel(files(contents), '6.1', '/lib/modules/6.1')

  test('has no modules without /proc/modules', async () => {
    expect(await kernel({})).toEqual({
      release: '6.1',
      modules: false,
      unload: false,
      forceUnload: null,
      modulesDisabled: false,
      lockdown: null,
    })
  })

  test('has its configuration in one of several places', async () => {
    const forced = `${CONFIG}CONFIG_MODULE_FORCE_UNLOAD=y\n`
    for (const [path, content] of [
      ['/proc/config.gz', gzipSync(forced)],
      ['/boot/config-6.1', forced],
      ['/lib/modules/6.1/config', forced],
      ['/lib/modules/6.1/build/.config', forced],
    ] as const) {
      expect(await kernel({ '/proc/modules': '', [path]: content })).toMatchObject({
        unload: true,
        forceUnload: true,
      })
    }
    const without = `${CONFIG}# CONFIG_MODULE_FORCE_UNLOAD is not set\n`
    expect(await kernel({ '/proc/modules': '', '/boot/config-6.1': without })).toMatchObject({
      forceUnload: false,
    })
  })

  test('with a damaged config.gz is judged by another copy of its configuration', async () => {
    expect(
      await kernel({
        '/proc/modules': '',
        '/proc/config.gz': Buffer.from('damaged'),
        '/boot/config-6.1': CONFIG,
      }),
    ).toMatchObject({ unload: true, forceUnload: false })
  })

  test('without a configuration cannot unload if its table has no reference counts', async () => {
    expect(await kernel({ '/proc/modules': 'llc 1 - - Live 0x0\n' })).toMatchObject({
      unload: false,
    })
    expect(await kernel({ '/proc/modules': 'llc 1 0 - Live 0x0\n' })).toMatchObject({
      unload: true,
    })
    expect(await kernel({ '/proc/modules': 'llc 1 -1 - Unloading 0x0\n' })).toMatchObject({
      unload: true,
    })
  })

  test('shows modules_disabled and lockdown', async () => {
    expect(
      await kernel({
        '/proc/modules': '',
        '/proc/sys/kernel/modules_disabled': '1\n',
        '/sys/kernel/security/lockdown': 'none [integrity] confidentiality\n',
      }),
    ).toMatchObject({ modulesDisabled: true, lockdown: 'integrity' })
  })
})

test('the taint flags are one number', async () => {
  expect(await readTaints(files({ '/proc/sys/kernel/tainted': '4609\n' }))).toBe(4609n)
  expect(await readTaints(files({}))).toBe(0n)
})

describe('the capability with', () => {
  const capability = (status: string, namespace?: string): Promise<boolean> =>
    readCapability(
      files({
        '/proc/self/status': status,
        ...(namespace !== undefined && { '/proc/self/ns/user': namespace }),
      }),
    )

  test.each([
    ['all', 'CapEff:\t000001ffffffffff\n', 'user:[4026531837]', true],
    ['CAP_SYS_MODULE alone', 'CapEff:\t0000000000010000\n', 'user:[4026531837]', true],
    ['all but CAP_SYS_MODULE', 'CapEff:\t000001fffffeffff\n', 'user:[4026531837]', false],
    ['none', 'CapEff:\t0000000000000000\n', 'user:[4026531837]', false],
    ['all, in a nested user namespace', 'CapEff:\t000001ffffffffff\n', 'user:[4026532177]', false],
    ['all, in a kernel without user namespaces', 'CapEff:\t000001ffffffffff\n', undefined, true],
    ['no status to read', '', 'user:[4026531837]', false],
  ])('%s', async (_, status, namespace, expected) => {
    expect(await capability(status, namespace)).toBe(expected)
  })
})
