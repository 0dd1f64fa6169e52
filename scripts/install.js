'use strict'
/**
 * npm's install step. Builds the addon on Linux; elsewhere there is nothing to build, and the
 * package installs all the same: its calls then explain that there are no Linux kernel modules.
 */
const { spawnSync } = require('node:child_process')

if (process.platform === 'linux') {
  // npm puts its own node-gyp into the PATH of install steps.
  const { status, error } = spawnSync('node-gyp', ['rebuild'], { stdio: 'inherit' })
  if (status !== 0) {
    console.error(
      `\nnode-kmod: the native addon could not be built${error ? ` (${error.message})` : ''}. ` +
        'It takes python3, make and a C++17 compiler (Debian: apt-get install python3 make g++).',
    )
    process.exit(1)
  }
}
