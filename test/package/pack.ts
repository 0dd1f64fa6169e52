/**
 * Runs before the tests of the project `package`: packs the package once. Two test files that pack it at
 * the same time would remove each other's files.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const ROOT = join(__dirname, '..', '..')

/** The tests read NODE_KMOD_TARBALL. */
export default function pack(): void {
  const folder = mkdtempSync(join(tmpdir(), 'kmod-tarball-'))
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  // Its scripts print on the same output as npm, so the name comes from the folder.
  execFileSync('npm', ['pack', '--pack-destination', folder], { cwd: ROOT, stdio: 'pipe' })
  const [name] = readdirSync(folder)
  process.env.NODE_KMOD_TARBALL = join(folder, name!)
}
