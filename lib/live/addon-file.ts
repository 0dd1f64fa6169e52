/**
 * Finds the file of the addon; the helper program is in the same folder. A build on this machine
 * (build/Release) wins over the binaries of the package (prebuilds/, as pkg-prebuilds names them).
 *
 * In a bundle, this code runs in another folder than that of the package, and `__dirname` may not exist.
 */
import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import bindings from 'bindings'
import prebuilds from 'pkg-prebuilds'

/** An environment variable with the path of the addon: for a build elsewhere, such as with sanitizers. */
const OVERRIDE = 'NODE_KMOD_BINDING'
const NAME = 'kmod'
const HELPER = 'kmod-helper'

/** The folder of this file, or of the bundle. */
const HERE =
  typeof __dirname === 'string' ? __dirname : dirname(process.argv[1] ?? process.execPath)
/** The folder of the package, unless this is a bundle. */
const PACKAGE = join(HERE, '..', '..')

export interface AddonFile {
  addon: string
  helper: string
}

/** Throws an error that says what to do, if there is no binary for this system. */
export function findAddon(): AddonFile {
  const given = process.env[OVERRIDE]
  if (given !== undefined) return { addon: given, helper: join(dirname(given), HELPER) }
  const isBundle = isBundled()
  const found = isBundle ? beside(...bundleFolders()) : (localBuild() ?? beside(PACKAGE))
  if (found === undefined) throw new Error(isBundle ? notInBundle() : notForThisSystem())
  // Electron reads files inside its archive, but the kernel cannot run a program that is there.
  const addon = found.replace(/\.asar(?=[/\\])/, '.asar.unpacked')
  const helper = join(dirname(addon), HELPER)
  if (existsSync(helper)) return { addon, helper }
  throw new Error(
    addon === found
      ? `${addon} is there, but ${helper} is not. Copy the whole folder prebuilds`
      : `${helper} is missing. Unpack prebuilds from the archive: asarUnpack "**/prebuilds/**"`,
  )
}

/** What to do if the addon that was found cannot be loaded. */
export function buildAdvice(): string {
  // Without `yarn`, a program does not find the dependencies that Yarn keeps in archives.
  const node = process.versions.pnp === undefined ? 'node' : 'yarn node'
  const folder = isBundled() ? 'node_modules/node-kmod' : PACKAGE
  return (
    'Build it on this system, with npm, python3, make and a C++17 compiler: ' +
    `\`${node} ${join(folder, 'scripts', 'build.js')}\``
  )
}

function isBundled(): boolean {
  try {
    const manifest = readFileSync(join(PACKAGE, 'package.json'), 'utf8')
    return (JSON.parse(manifest) as { name?: string }).name !== 'node-kmod'
  } catch {
    return true
  }
}

function localBuild(): string | undefined {
  try {
    return (bindings as (options: object) => string)({
      bindings: NAME,
      // Without this option, bindings derives the folder from a stack trace.
      module_root: PACKAGE,
      path: true,
    })
  } catch {
    return undefined
  }
}

/** `resolve` is documented, but not in the types of the package. */
type Resolve = (
  folder: string,
  options: prebuilds.Options,
  isInstallation: boolean,
  throws: boolean,
) => string | null

/** The addon in the folder `prebuilds` of the first folder that has one for this system. */
function beside(...folders: readonly string[]): string | undefined {
  const { resolve } = prebuilds as unknown as { resolve: Resolve }
  for (const folder of folders) {
    const file = resolve(folder, { name: NAME, napi_versions: [9] }, false, false)
    if (file !== null) return file
  }
  return undefined
}

/** The folder of the bundle, that of a single executable, and that of the package, if it is installed. */
function bundleFolders(): string[] {
  return [HERE, dirname(process.execPath), ...installedPackage()]
}

function installedPackage(): string[] {
  try {
    return [dirname(createRequire(join(HERE, 'bundle')).resolve('node-kmod/package.json'))]
  } catch {
    return []
  }
}

function notForThisSystem(): string {
  const { platform, arch, report } = process
  const { header } = report.getReport() as { header: { glibcVersionRuntime?: string } }
  const libc = header.glibcVersionRuntime === undefined ? ' without glibc' : ''
  return `the package has no binary for ${platform} on ${arch}${libc}. ${buildAdvice()}`
}

function notInBundle(): string {
  return (
    'this is a bundle, which has only the JavaScript of the package. Either copy the folder ' +
    `node_modules/node-kmod/prebuilds to ${HERE}, or tell the bundler that node-kmod is external and ` +
    'install it where the bundle runs (docs/bundlers.md in the package has the option of each bundler)'
  )
}
