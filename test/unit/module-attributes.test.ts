/** What /sys/module shows of a loaded module. */
import { readAttributes } from '../../lib/kernel/module-attributes'
import type { SystemFiles } from '../../lib/kernel/system-files'

test('a parameter that is not UTF-8 has no value, because it could not be set again', async () => {
  const files: SystemFiles = {
    readTexts: (paths) => Promise.resolve(paths.map(() => null)),
    readBytes: (paths) =>
      Promise.resolve(
        paths.map((path) => Buffer.from(path.endsWith('odd') ? [0x61, 0xff, 0x0a] : 'é\n')),
      ),
    readLinks: () => Promise.reject(new Error('not used')),
    listNames: () => Promise.resolve([['odd', 'text']]),
    readStatuses: () => Promise.reject(new Error('not used')),
  }
  const { parameters } = await readAttributes(files, 'a')
  expect(parameters).toEqual(
    new Map([
      ['odd', null],
      ['text', 'é'],
    ]),
  )
})
