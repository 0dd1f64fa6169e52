'use strict'
/**
 * Builds the addon and the helper on this machine, for systems for which the package has no binaries.
 * Users run it with `node`, so it works with each package manager. npm has node-gyp in the PATH of the
 * scripts that it runs.
 */
const { spawnSync } = require('node:child_process')
const { copyFileSync, existsSync } = require('node:fs')
const { join } = require('node:path')

const root = join(__dirname, '..')
const packed = join(root, 'native', 'binding.gyp')
// pnpm and Yarn take a package with this file in its root for one that must be built at installation.
if (existsSync(packed)) copyFileSync(packed, join(root, 'binding.gyp'))

const { status, error } = spawnSync('npm', ['--prefix', root, 'run', 'build:native'], {
  cwd: root,
  stdio: 'inherit',
})
if (status !== 0) {
  console.error(
    `\nnode-kmod: the native addon could not be built${error ? ` (${error.message})` : ''}. ` +
      'The build needs npm, python3, make and a C++17 compiler.\n' +
      '  Debian: apt-get install npm python3 make g++\n' +
      '  Alpine: apk add npm python3 make g++ linux-headers',
  )
  process.exit(1)
}
