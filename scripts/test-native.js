'use strict'
/**
 * The native ring: C++ tests of native/, and the addon with its helper, all with AddressSanitizer and
 * UndefinedBehaviorSanitizer; and each fuzzer for a moment.
 */
const { execFileSync } = require('node:child_process')
const { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync } = require('node:fs')
const { availableParallelism } = require('node:os')
const { basename, join } = require('node:path')
const { fuzzers } = require('../native/sources.json')
const { run, runQuietly } = require('./setup')

const root = join(__dirname, '..')
const build = join(root, 'build-native')
const reports = join(build, 'reports')
const jobs = String(availableParallelism())
/** Seconds for each fuzzer; `npm run test:fuzz -- 600` takes longer. */
const fuzzTime = '5'

runQuietly('npx', [
  'cmake-js',
  'build',
  '--silent',
  '-d',
  'native',
  '-O',
  build,
  '-G',
  'Unix Makefiles',
  '-p',
  jobs,
])
run(join(build, 'kmod_rooms_test'), ['--no-path-filenames', '--minimal'])

// Node was built without the sanitizers, so their runtime must be loaded before anything else.
const runtime = (name) =>
  execFileSync('gcc', [`-print-file-name=${name}`], { encoding: 'utf8' }).trim()
rmSync(reports, { recursive: true, force: true })
mkdirSync(reports)
// Some roles of the helper give up the user root, and write their reports as another user.
chmodSync(reports, 0o777)
const sanitizer = `log_path=${join(reports, 'report')}:abort_on_error=1`
run(
  process.execPath,
  [
    ...['node_modules/jest/bin/jest.js', '--ci', '--selectProjects', 'captured', 'lifecycle'],
    // Other runtimes run the same C++.
    ...['--testPathIgnorePatterns', 'test/lifecycle/runtimes'],
  ],
  {
    LD_PRELOAD: `${runtime('libasan.so')} ${runtime('libubsan.so')}`,
    NODE_KMOD_BINDING: join(build, 'Release', 'kmod.node'),
    // V8 does not free its memory at the end of the process, which is not a leak.
    ASAN_OPTIONS: `${sanitizer}:detect_leaks=0`,
    UBSAN_OPTIONS: `${sanitizer}:print_stacktrace=1`,
    KMOD_SANITIZED: '1',
  },
)
// The standard error of the helper is /dev/null, so the sanitizers write their reports to files.
const found = readdirSync(reports)
for (const name of found) console.error(readFileSync(join(reports, name), 'utf8'))
if (found.length > 0) process.exit(1)

run(process.execPath, [
  'scripts/fuzz.js',
  fuzzTime,
  ...fuzzers.map((file) => basename(file, '.cc')),
])
