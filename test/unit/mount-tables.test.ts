/** The text of /proc/PID/mountinfo. */
import fc from 'fast-check'
import { overlayFolders } from '../../lib/snapshot/system/file-systems'
import { MountTables, parseMountinfo } from '../../lib/snapshot/system/mount-tables'

test('lines have optional fields or none', () => {
  const text =
    '28 1 254:0 / / rw,relatime shared:1 master:2 - ext4 /dev/mapper/root rw,errors=remount-ro\n' +
    '22 28 0:21 / /sys rw,nosuid - sysfs sysfs rw\n' +
    '70 28 0:60 / /home/anna/far rw shared:9 - fuse.sshfs anna@far:/ rw,user_id=1000\n'
  expect(parseMountinfo(text)).toEqual([
    {
      superblock: '254:0',
      root: '/',
      path: '/',
      flags: 'rw,relatime',
      type: 'ext4',
      source: '/dev/mapper/root',
      options: 'rw,errors=remount-ro',
    },
    {
      superblock: '0:21',
      root: '/',
      path: '/sys',
      flags: 'rw,nosuid',
      type: 'sysfs',
      source: 'sysfs',
      options: 'rw',
    },
    {
      superblock: '0:60',
      root: '/',
      path: '/home/anna/far',
      flags: 'rw',
      type: 'fuse.sshfs',
      source: 'anna@far:/',
      options: 'rw,user_id=1000',
    },
  ])
})

test('a source can be empty, or a dash', () => {
  expect(parseMountinfo('1 2 0:3 / /a rw - tmpfs  rw\n')).toMatchObject([
    { type: 'tmpfs', source: '', options: 'rw' },
  ])
  expect(parseMountinfo('1 2 0:3 / - rw shared:1 - tmpfs - rw\n')).toMatchObject([
    { path: '-', type: 'tmpfs', source: '-', options: 'rw' },
  ])
})

test('lines that are cut off or malformed are left out', () => {
  const text = 'nonsense\n\n1 2 0:3 / /a rw - tmpfs a rw\n1 2 0:4 / /b rw shared:3'
  expect(parseMountinfo(text).map(({ path }) => path)).toEqual(['/a'])
  fc.assert(fc.property(fc.string(), (any) => Array.isArray(parseMountinfo(any))))
})

/** As mangle() and seq_path() in the kernel write these characters. */
function mangle(text: string): string {
  return text.replace(
    /[ \t\n\\#]/g,
    (character) => `\\${character.charCodeAt(0).toString(8).padStart(3, '0')}`,
  )
}

test('every path and source is read as it was before the kernel escaped it', () => {
  const text = fc.oneof(
    fc.string({ unit: 'grapheme' }),
    fc.string({ unit: fc.constantFrom('a', ' ', '\t', '\n', '\\', '#', '0', '4', '/', '-', 'ü') }),
  )
  fc.assert(
    fc.property(text, text, (path, source) => {
      const line = `36 35 98:0 /mnt1 ${mangle(`/${path}`)} rw - ext3 ${mangle(source)} rw\n`
      expect(parseMountinfo(line)).toMatchObject([
        { superblock: '98:0', path: `/${path}`, type: 'ext3', source, options: 'rw' },
      ])
    }),
  )
})

describe('the mount that covers a path', () => {
  const line = (path: string, number: number): string => `1 1 8:${number} / ${path} rw - x x rw\n`
  const covering = (path: string, ...lines: string[]): string | undefined =>
    new MountTables([
      { pid: 9, own: false, first: true, text: line('/', 99) },
      { pid: 5, own: true, first: false, text: lines.join('') },
    ]).covering(path)?.superblock

  test.each([
    ['/file', '8:1'],
    ['/home/file', '8:2'],
    ['/home', '8:2'],
    ['/homes/file', '8:1'],
    ['/home/anna/x/y', '8:3'],
  ])('%s is on %s', (path, superblock) => {
    const lines = [line('/', 1), line('/home', 2), line('/home/anna', 3)]
    expect(covering(path, ...lines)).toBe(superblock)
    expect(covering(path, ...lines.reverse())).toBe(superblock)
  })

  test('is the last one where several are on one folder', () => {
    expect(covering('/mnt/a', line('/', 1), line('/mnt', 2), line('/mnt', 3))).toBe('8:3')
  })

  test('does not exist where nothing is mounted', () => {
    expect(covering('/mnt/a')).toBeUndefined()
    expect(covering('', line('/', 1))).toBeUndefined()
  })
})

describe('the folders of an overlay', () => {
  test.each([
    ['rw,lowerdir=/a:/b,upperdir=/c,workdir=/d', ['/a', '/b', '/c']],
    ['ro,lowerdir=/a::/data', ['/a', '/data']],
    ['rw,lowerdir+=/a:b,lowerdir+=/c,datadir+=/d', ['/a:b', '/c', '/d']],
    // A colon in a path is given as "\:". The kernel writes the backslash as \134.
    ['rw,lowerdir=/a\\134:b:/c', ['/a:b', '/c']],
    ['rw,lowerdir=/with\\040blank\\054comma,upperdir=/u', ['/with blank,comma', '/u']],
    ['rw,lowerdir=relative:/a', ['relative', '/a']],
    ['rw', []],
  ])('%s', (options, folders) => {
    expect(overlayFolders(options)).toEqual(folders)
  })
})
