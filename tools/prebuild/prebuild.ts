/**
 * Builds the binaries that the package brings: `npm run prebuild`. They run on each Linux with glibc 2.28
 * or later: clang and lld build them against Debian 11, and link libstdc++ and libgcc statically. (gcc
 * with the same sysroot takes symbols from the C library of this system.)
 *
 * prebuilds/kmod-linux-ARCHITECTURE/ is a name of the convention of pkg-prebuilds. The helper is in the
 * same folder.
 */
import { chmodSync, copyFileSync, mkdirSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { ARM64, X64, type Architecture } from '../../lib/vm/architectures'
import { Programs } from '../../lib/vm/programs'
import { prepareSysroot } from './sysroot'

const ROOT = join(__dirname, '..', '..')

/** Runs the build of binding.gyp in a folder of its own: build/ has the build for this machine. */
async function build(architecture: Architecture): Promise<string> {
  const folder = join(ROOT, 'build-prebuild', architecture.node)
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  for (const name of ['binding.gyp', 'native']) symlinkSync(join(ROOT, name), join(folder, name))
  const sysroot = await prepareSysroot(architecture)
  const options = `--target=${architecture.target} --sysroot=${sysroot} --gcc-toolchain=${sysroot}/usr`
  await new Programs().output(
    'env',
    [
      `CC=clang ${options}`,
      `CXX=clang++ ${options}`,
      'AR=llvm-ar',
      `CXXFLAGS=-include ${join(__dirname, 'old-glibc.h')}`,
      'LDFLAGS=-fuse-ld=lld -static-libstdc++ -static-libgcc -Wl,--strip-all',
      join(ROOT, 'node_modules', '.bin', 'node-gyp'),
      ...['rebuild', `--arch=${architecture.node}`, '--jobs=max', '--silent'],
    ],
    { cwd: folder },
  )
  return join(folder, 'build', 'Release')
}

async function prebuild(architecture: Architecture): Promise<void> {
  const built = await build(architecture)
  const folder = join(ROOT, 'prebuilds', `kmod-linux-${architecture.node}`)
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  copyFileSync(join(built, 'kmod.node'), join(folder, 'node-napi-v9.node'))
  copyFileSync(join(built, 'kmod-helper'), join(folder, 'kmod-helper'))
  chmodSync(join(folder, 'kmod-helper'), 0o755)
}

async function main(): Promise<void> {
  for (const architecture of [X64, ARM64]) await prebuild(architecture)
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
})
