'use strict'
/**
 * Prepares a fresh clone: installs system packages and npm packages, and builds; only what is still
 * missing. This file has no dependencies, because it runs before they are installed.
 */
const { spawnSync } = require('node:child_process')
const { existsSync, readdirSync, readFileSync, statSync, writeFileSync } = require('node:fs')
const { createHash } = require('node:crypto')
const { join } = require('node:path')
const packages = require('./packages')

const root = join(__dirname, '..')

/** Runs a command in the project's folder and shows its output. Ends this process if it fails. */
function run(command, args, env = {}) {
  const { status, error, signal } = spawnSync(command, args, {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, ...env },
  })
  if (status === 0) return
  console.error(
    `\n${[command, ...args].join(' ')}: ${error?.message ?? signal ?? `exit ${status}`}`,
  )
  process.exit(1)
}

/** Runs a command that prints much. Only if it fails, shows its output and ends this process. */
function runQuietly(command, args) {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 256 * 1024 * 1024,
  })
  if (status === 0) return stderr
  console.error(
    `${stdout}${stderr}\n${[command, ...args].join(' ')}: ${error?.message ?? `exit ${status}`}`,
  )
  process.exit(1)
}

function isInstalled(name) {
  const { stdout } = spawnSync('dpkg-query', ['-W', '-f', '${db:Status-Abbrev}', name], {
    encoding: 'utf8',
  })
  return stdout?.startsWith('ii') ?? false
}

/** Installs missing packages if this is root. Else prints the command for that, and ends. */
function installSystemPackages(groups) {
  const wanted = [...new Set(groups.flatMap((group) => packages[group]))]
  if (spawnSync('dpkg-query', ['--version']).status !== 0) {
    console.error(
      `This system has no dpkg. Install what these Debian packages contain: ${wanted.join(' ')}\n` +
        'A test that misses a program names it.',
    )
    return
  }
  const missing = wanted.filter((name) => !isInstalled(name))
  if (missing.length === 0) return
  const install = ['install', '-y', '--no-install-recommends', ...missing]
  if (process.getuid() !== 0) {
    console.error(
      `System packages are missing. As root, run:\n\n  apt-get update && apt-get ${install.join(' ')}\n`,
    )
    process.exit(1)
  }
  const env = { DEBIAN_FRONTEND: 'noninteractive' }
  run('apt-get', ['update', '-q'], env)
  run('apt-get', ['-q', ...install], env)
}

function installNpmPackages() {
  const installed = join(root, 'node_modules', '.package-lock.json')
  const lock = join(root, 'package-lock.json')
  if (existsSync(installed) && statSync(installed).mtimeMs >= statSync(lock).mtimeMs) return
  // Without the install script of this package, because buildIfChanged() builds it.
  run('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'])
}

function filesBelow(folder) {
  return readdirSync(join(root, folder), { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
    .sort()
}

/** The tests, and what `npm pack` puts there for a moment. */
function isNoInput(path) {
  return ['test/', 'binding.gyp'].some((name) => path.startsWith(join(root, 'native', name)))
}

function fingerprint(paths) {
  const hash = createHash('sha256')
  for (const path of paths) hash.update(path).update(readFileSync(path))
  return hash.digest('hex')
}

/** Runs an npm script, unless its inputs have the same content as at its last run. */
function buildIfChanged(script, output, inputs) {
  const stamp = join(root, 'node_modules', `.stamp-${script.replace(':', '-')}`)
  const now = fingerprint(inputs)
  const built = existsSync(join(root, output)) && existsSync(stamp)
  if (built && readFileSync(stamp, 'utf8') === now) return
  console.log(`npm run ${script} ...`)
  runQuietly('npm', ['run', '--silent', script])
  writeFileSync(stamp, now)
}

/** @param {(keyof typeof packages)[]} groups the system packages to install */
function setUp(groups) {
  installSystemPackages(groups)
  installNpmPackages()
  const lock = join(root, 'package-lock.json')
  const nativeInputs = [
    lock,
    join(root, 'binding.gyp'),
    ...filesBelow('native').filter((path) => !isNoInput(path)),
  ]
  buildIfChanged('build:native', 'build/Release/kmod.node', nativeInputs)
  buildIfChanged('build:lib', 'dist/index.js', [
    lock,
    join(root, 'tsconfig.json'),
    ...filesBelow('lib'),
  ])
  if (groups.includes('prebuild')) {
    buildIfChanged('prebuild', 'prebuilds', [...nativeInputs, ...filesBelow('tools/prebuild')])
  }
}

module.exports = { run, runQuietly, setUp }

if (require.main === module) setUp(process.argv.slice(2))
