/** Paths of a captured system: no symbolic link is followed out of its root. */
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

describe('a path', () => {
  test('without links is below the root', () => {
    expect(view.resolveSync('/etc/inside')).toBe(at('etc/inside'))
    expect(view.resolveSync('etc//./inside')).toBe(at('etc/inside'))
    expect(view.resolveSync('/not/there')).toBe(at('not/there'))
  })

  test('does not leave the root by any number of ".."', () => {
    expect(view.resolveSync('/../../../secret')).toBe(at('secret'))
    expect(view.resolveSync('/etc/../../../secret')).toBe(at('secret'))
  })

  test.each([
    ['an absolute link', '/usr/lib', '/lib/modules', 'usr/lib/modules'],
    ['a relative link', 'usr/lib', '/lib/modules', 'usr/lib/modules'],
    ['a link that climbs out', '../../../../../etc', '/lib/inside', 'etc/inside'],
    ['a link that climbs back in', '/usr/../etc', '/lib/inside', 'etc/inside'],
  ])('through %s stays inside the root', (_, target, path, expected) => {
    link(target, 'lib')
    expect(view.resolveSync(path)).toBe(at(expected))
  })

  test('through links that form a loop is an error', () => {
    link('b', 'etc/a')
    link('a', 'etc/b')
    expect(() => view.resolveSync('/etc/a')).toThrow(
      expect.objectContaining({
        code: 'ERR_KMOD_SYSTEM',
        message: expect.stringMatching(`${at('etc/a')}.*ELOOP`) as string,
      }) as Error,
    )
  })

  test('of this machine that leads into the root is the same as one inside', () => {
    expect(view.inside(at('etc/modprobe.d'))).toBe('/etc/modprobe.d')
    expect(view.inside('/etc/modprobe.d')).toBe('/etc/modprobe.d')
    expect(view.inside(join(folder, 'root'))).toBe('/')
    expect(view.inside(join(folder, 'secret'))).toBe(join(folder, 'secret'))
    expect(view.inside(join(folder, 'root', '..odd'))).toBe('/..odd')
  })
})
