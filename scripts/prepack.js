'use strict'
/**
 * npm runs this before it packs the package, and with --undo afterwards: builds all that the package
 * brings, and puts binding.gyp where package managers do not look for it. With that file in the root of
 * a package, pnpm and Yarn ask whether they may build the package.
 */
const { copyFileSync, rmSync } = require('node:fs')
const { join } = require('node:path')
const { setUp } = require('./setup')

const root = join(__dirname, '..')
const packed = join(root, 'native', 'binding.gyp')

if (process.argv[2] === '--undo') {
  rmSync(packed, { force: true })
} else {
  setUp(['prebuild'])
  copyFileSync(join(root, 'binding.gyp'), packed)
}
