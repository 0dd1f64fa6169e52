'use strict'
/** `npm run lint`: format, lint and types, of TypeScript and of C++. Changes nothing. */
const { readdirSync } = require('node:fs')
const { join } = require('node:path')
const { run, runQuietly, setUp } = require('./setup')

setUp(['native', 'lint'])

const sources = (...rooms) =>
  rooms.flatMap((room) =>
    readdirSync(join('native', room))
      .filter((name) => /\.(cc|h)$/.test(name))
      .map((name) => join('native', room, name)),
  )
const all = sources('.', 'bridge', 'common', 'helper', 'libkmod', 'net', 'proc', 'process', 'test')

run('npx', ['prettier', '--check', '--log-level', 'warn', '.'])
run('npx', ['eslint', '.'])
run('npx', ['tsc', '-p', 'tsconfig.test.json'])
run('clang-format', ['--dry-run', '--Werror', ...all])
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
const checked = all.filter((name) => name.endsWith('.cc') && !name.includes(join('native', 'test')))
runQuietly('clang-tidy', ['-p', 'build-native', '--quiet', ...checked])
