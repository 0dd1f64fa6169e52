/** The binaries that the package brings, as the dynamic loader of another system sees them. */
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT } from '../support/child'
import { run } from './tarball'

const readelf = (...args: string[]): string => run('readelf', ['--wide', ...args], ROOT)

/** The oldest C library on which they run. Node.js 20 itself needs this one. */
const FLOOR = '2.28'

describe.each([
  ['x64', 'Advanced Micro Devices X86-64'],
  ['arm64', 'AArch64'],
])('for %s', (architecture, machine) => {
  const folder = join(ROOT, 'prebuilds', `kmod-linux-${architecture}`)
  const files = ['kmod-helper', 'node-napi-v9.node']

  test('they are the addon and the helper', () => {
    expect(readdirSync(folder).sort()).toEqual(files)
    expect(statSync(join(folder, 'kmod-helper')).mode & 0o777).toBe(0o755)
  })

  test.each(files)('%s is for this processor, and has no symbols for debuggers', (file) => {
    expect(readelf('--file-header', join(folder, file))).toContain(machine)
    expect(readelf('--sections', join(folder, file))).not.toMatch(/\.symtab|\.debug/)
  })

  test.each(files)(`%s needs no symbol of a C library after ${FLOOR}`, (file) => {
    const symbols = readelf('--dyn-syms', join(folder, file))
    const versions = [...symbols.matchAll(/@GLIBC_([\d.]+)/g)].map(([, version]) => version!)
    expect(versions).toContain(architecture === 'x64' ? '2.2.5' : '2.17')
    const byNumber = (a: string, b: string): number => a.localeCompare(b, 'en', { numeric: true })
    expect(versions.filter((version) => byNumber(version, FLOOR) > 0)).toEqual([])
    // Of libstdc++ and libgcc.
    expect(symbols).not.toMatch(/@(GLIBCXX|CXXABI|GCC)_/)
  })

  test.each(files)('%s needs only the C library', (file) => {
    const dynamic = readelf('--dynamic', join(folder, file))
    const libraries = [...dynamic.matchAll(/\(NEEDED\).*\[(.*)\]/g)].map(([, library]) => library)
    expect(libraries).toContain('libc.so.6')
    const parts = /^(lib(c|m|dl|pthread)\.so\.\d|ld-linux-[\w-]+\.so\.\d)$/
    expect(libraries.filter((library) => !parts.test(library!))).toEqual([])
    expect(dynamic).not.toMatch(/RPATH|RUNPATH/)
  })

  test.each(files)('%s has no path of the system on which it was built', (file) => {
    expect(readFileSync(join(folder, file)).includes(ROOT)).toBe(false)
  })
})
