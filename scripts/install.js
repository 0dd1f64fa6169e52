'use strict'
/**
 * npm's install script. Builds the addon on Linux. On other platforms there is nothing to build: the
 * package installs there too, and its calls reject with ERR_KMOD_UNSUPPORTED.
 */
const { spawnSync } = require('node:child_process')

if (process.platform === 'linux') {
  // npm adds its own node-gyp to the PATH of install scripts.
  const { status, error } = spawnSync('node-gyp', ['rebuild'], { stdio: 'inherit' })
  if (status !== 0) {
    console.error(
      `\nnode-kmod: the native addon could not be built${error ? ` (${error.message})` : ''}. ` +
        'The build needs python3, make and a C++17 compiler. On Debian: apt-get install python3 make g++',
    )
    process.exit(1)
  }
}
