/**
 * Runs before the tests of the project `package`: packs the package once. Two test files that pack it at
 * the same time would remove each other's files.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const ROOT = join(__dirname, '..', '..')

/** The tests read NODE_KMOD_TARBALL. */
export default function pack(): void {
  const folder = mkdtempSync(join(tmpdir(), 'kmod-tarball-'))
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  const args = ['pack', '--json', '--pack-destination', folder]
  const output = execFileSync('npm', args, { cwd: ROOT, encoding: 'utf8' })
  // Before it, the scripts may have printed something. npm 11 prints a list, npm 12 an object.
  const packed = JSON.parse(output.slice(output.search(/^[[{]/m))) as
    { filename: string }[] | Record<string, { filename: string }>
  process.env.NODE_KMOD_TARBALL = join(folder, Object.values(packed)[0]!.filename)
}
