'use strict'
/**
 * `npm run demo`: runs examples/walk.mjs on a real kernel, in a virtual machine. `npm run demo driver-ci`: the
 * tests of examples/driver-ci, with this checkout in place of the packages that it depends on.
 */
const { mkdirSync, rmSync, symlinkSync, chmodSync } = require('node:fs')
const { join } = require('node:path')
const { run, setUp } = require('./setup')

const root = join(__dirname, '..')
const program = join(root, 'dist', 'cli', 'main.js')

function linkPackages(folder) {
  const packages = join(folder, 'node_modules')
  rmSync(packages, { recursive: true, force: true })
  mkdirSync(join(packages, '.bin'), { recursive: true })
  symlinkSync(root, join(packages, 'node-kmod'))
  symlinkSync(join(root, 'node_modules', 'jest'), join(packages, 'jest'))
  // npm does this when it installs a package.
  chmodSync(program, 0o755)
  symlinkSync(program, join(packages, '.bin', 'node-kmod'))
}

if (process.argv[2] === 'driver-ci') {
  setUp(['vm', 'modules'])
  const folder = join('examples', 'driver-ci')
  linkPackages(join(root, folder))
  run('npm', ['test', '--prefix', folder])
} else {
  setUp(['vm'])
  const options = ['--kernel', '6.12', '--timeout', '5m']
  const walk = [process.execPath, join('examples', 'walk.mjs')]
  run(process.execPath, [program, 'vm', ...options, '--', ...walk])
}
