'use strict'
/** `npm run lint`: format, lint and types, of TypeScript and of C++. Changes nothing. */
const { readdirSync } = require('node:fs')
const { join } = require('node:path')
const { run, runQuietly, setUp } = require('./setup')

setUp(['native', 'lint'])

/** All C++ files of native/. */
const sources = readdirSync('native', { recursive: true })
  .filter((name) => /\.(cc|h)$/.test(name))
  .map((name) => join('native', name))

run('npx', ['prettier', '--check', '--log-level', 'warn', '.'])
run('npx', ['eslint', '.'])
run('npx', ['tsc', '-p', 'tsconfig.test.json'])
run(process.execPath, ['scripts/check-includes.js'])
run('clang-format', ['--dry-run', '--Werror', ...sources])
// For compile_commands.json.
runQuietly('npx', [
  'cmake-js',
  'configure',
  '--silent',
  '-d',
  'native',
  '-O',
  join(process.cwd(), 'build-native'),
  '-G',
  'Unix Makefiles',
])
const checked = sources.filter(
  (name) => name.endsWith('.cc') && !name.startsWith(join('native', 'test')),
)
runQuietly('clang-tidy', ['-p', 'build-native', '--quiet', ...checked])
