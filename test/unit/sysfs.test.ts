/** How the readers of a snapshot share their questions to the system. */
import { Sysfs } from '../../lib/snapshot/system/sysfs'
import type { SystemFiles } from '../../lib/kernel/system-files'

/** Answers each path with itself in capitals, a turn of the event loop later. */
function recorded(): { sysfs: Sysfs; calls: string[][] } {
  const calls: string[][] = []
  const answer = async (paths: readonly string[]): Promise<string[]> => {
    calls.push([...paths])
    await new Promise((resolve) => setImmediate(resolve))
    return paths.map((path) => path.toUpperCase())
  }
  const files: SystemFiles = {
    readTexts: answer,
    readLinks: answer,
    readBytes: () => Promise.reject(new Error('not used')),
    readStatuses: () => Promise.reject(new Error('not used')),
    listNames: async (folders) => (await answer(folders)).map((one) => [one]),
  }
  return { sysfs: new Sysfs(files), calls }
}

test('paths that are asked for in one turn are read together, each once', async () => {
  const { sysfs, calls } = recorded()
  const later = Promise.resolve().then(() => sysfs.text('/c'))
  expect(await Promise.all([sysfs.text('/a'), sysfs.text('/b'), sysfs.text('/a'), later])).toEqual([
    '/A',
    '/B',
    '/A',
    '/C',
  ])
  expect(await sysfs.text('/b')).toBe('/B')
  expect(calls).toEqual([['/a', '/b', '/c']])
})

test('several walks through /sys read one level at a time, together', async () => {
  const { sysfs, calls } = recorded()
  const walk = async (name: string): Promise<void> => {
    for (const depth of ['1', '2', '3']) await sysfs.list(`/${name}${depth}`)
  }
  await Promise.all([walk('a'), walk('b'), walk('c')])
  expect(calls).toEqual([
    ['/a1', '/b1', '/c1'],
    ['/a2', '/b2', '/c2'],
    ['/a3', '/b3', '/c3'],
  ])
})

test('a link leads to an absolute path', async () => {
  const files: SystemFiles = {
    readTexts: (paths) => Promise.resolve(paths.map(() => null)),
    readLinks: () => Promise.resolve(['../../devices/x', null]),
    readBytes: () => Promise.reject(new Error('not used')),
    readStatuses: () => Promise.reject(new Error('not used')),
    listNames: (folders) => Promise.resolve(folders.map(() => [])),
  }
  const sysfs = new Sysfs(files)
  expect(await Promise.all([sysfs.link('/sys/class/net/eth0'), sysfs.link('/none')])).toEqual([
    '/sys/devices/x',
    null,
  ])
})
