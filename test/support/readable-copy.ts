/** A copy of the built package for other users, who may not be able to read the checkout. */
import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { ROOT } from './child'

/** Copies the files that run, without sources, into a folder, where every user can read them. */
export function copyPackage(folder: string): void {
  const binaries = dirname(
    process.env.NODE_KMOD_BINDING ?? join(ROOT, 'build', 'Release', 'kmod.node'),
  )
  mkdirSync(join(folder, 'build', 'Release'), { recursive: true })
  for (const name of ['kmod.node', 'kmod-helper']) {
    cpSync(join(binaries, name), join(folder, 'build', 'Release', name))
  }
  for (const path of ['package.json', 'dist', ...dependencies(ROOT)]) {
    cpSync(join(ROOT, path), join(folder, path), { recursive: true })
  }
  execFileSync('chmod', ['-R', 'a+rX', folder])
}

/** The folders of all packages that a package needs to run. npm puts them into the same folder. */
function dependencies(packageFolder: string): string[] {
  const manifest = JSON.parse(readFileSync(join(packageFolder, 'package.json'), 'utf8')) as {
    dependencies?: Record<string, string>
  }
  return Object.keys(manifest.dependencies ?? {}).flatMap((name) => {
    const path = join('node_modules', name)
    return [path, ...dependencies(join(ROOT, path))]
  })
}
