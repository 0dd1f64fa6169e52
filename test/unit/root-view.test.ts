import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { RootView } from '../../lib/captured/root-view'

let folder: string
let view: RootView
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kmod-root-'))
  mkdirSync(join(folder, 'root', 'usr', 'lib', 'modules'), { recursive: true })
  mkdirSync(join(folder, 'root', 'etc'))
  writeFileSync(join(folder, 'root', 'etc', 'inside'), 'inside')
  writeFileSync(join(folder, 'secret'), 'secret')
  view = new RootView(join(folder, 'root'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const link = (target: string, path: string): void => symlinkSync(target, join(folder, 'root', path))
const at = (path: string): string => join(folder, 'root', path)

test('a path without links is below the root', async () => {
  expect(await view.resolve('/etc/inside')).toBe(at('etc/inside'))
  expect(await view.resolve('etc//./inside')).toBe(at('etc/inside'))
  expect(await view.resolve('/not/there')).toBe(at('not/there'))
})

test('no number of ".." leaves the root', async () => {
  expect(await view.resolve('/../../../secret')).toBe(at('secret'))
  expect(await view.resolve('/etc/../../../secret')).toBe(at('secret'))
})

test.each([
  ['an absolute link', '/usr/lib', '/lib/modules', 'usr/lib/modules'],
  ['a relative link', 'usr/lib', '/lib/modules', 'usr/lib/modules'],
  ['a link that climbs out', '../../../../../etc', '/lib/inside', 'etc/inside'],
  ['a link back into itself from outside', '/usr/../etc', '/lib/inside', 'etc/inside'],
])('%s stays inside', async (_, target, path, expected) => {
  link(target, 'lib')
  expect(await view.resolve(path)).toBe(at(expected))
  expect(view.resolveSync(path)).toBe(at(expected))
})

test('a hostile link does not show what is outside', async () => {
  link(join(folder, 'secret'), 'etc/hostile')
  link('../../secret', 'etc/climbing')
  expect(await view.read('/etc/hostile')).toBeNull()
  expect(await view.read('/etc/climbing')).toBeNull()
  expect(await view.read('/etc/inside')).toBe('inside')
})

test('links that lead to each other end', async () => {
  link('b', 'etc/a')
  link('a', 'etc/b')
  await expect(view.resolve('/etc/a')).rejects.toMatchObject({ code: 'ERR_KMOD_SYSTEM' })
  expect(await view.read('/etc/a')).toBeNull()
  expect(await view.list('/etc/a')).toEqual([])
})

test('a path of the host that leads into the root means the same as one inside', () => {
  expect(view.inside(at('etc/modprobe.d'))).toBe('/etc/modprobe.d')
  expect(view.inside('/etc/modprobe.d')).toBe('/etc/modprobe.d')
  expect(view.inside(join(folder, 'root'))).toBe('/')
  expect(view.inside(join(folder, 'secret'))).toBe(join(folder, 'secret'))
  expect(view.inside(join(folder, 'root', '..odd'))).toBe('/..odd')
})

test('a link is read as it is written, and the links on the way to it are followed', async () => {
  link('../etc', 'usr/etc')
  link('/nowhere/at all', 'etc/odd')
  expect(await view.readLink('/usr/etc/odd')).toBe('/nowhere/at all')
  expect(await view.readLink('/usr/etc')).toBe('../etc')
  expect(await view.readLink('/etc/inside')).toBeNull()
  expect(await view.readLink('/etc/missing')).toBeNull()
})
