'use strict'
/**
 * `npm run test:fuzz -- [SECONDS] [NAME]...`: feeds random texts and messages to every parser that reads what
 * other users write, each for so many seconds (default 60). A NAME is that of a file in native/test/, such as
 * fuzz_wire, or `parsers` for test/unit/parsers.test.ts. The inputs that the C++ fuzzers found are kept in
 * build-fuzz/corpus/, and one that shows a fault in build-fuzz/.
 */
const { mkdirSync } = require('node:fs')
const { availableParallelism } = require('node:os')
const { basename, join } = require('node:path')
const { fuzzers } = require('../native/sources.json')
const { run, runQuietly, setUp } = require('./setup')

const build = join(__dirname, '..', 'build-fuzz')

const [seconds = '60', ...names] = process.argv.slice(2)
const PARSERS = 'parsers'
const all = [...fuzzers.map((file) => basename(file, '.cc')), PARSERS]
const unknown = names.filter((name) => !all.includes(name))
if (!/^[1-9]\d*$/.test(seconds) || unknown.length > 0) {
  console.error(`Usage: npm run test:fuzz -- [SECONDS] [NAME]...\nThe names are ${all.join(', ')}.`)
  process.exit(2)
}
const chosen = names.length > 0 ? names : all

function buildFuzzers(targets) {
  setUp(['native'])
  const settings = ['-DKMOD_FUZZ=ON', '-DCMAKE_CXX_COMPILER=clang++', '-Wno-dev']
  runQuietly('cmake', ['-S', 'native', '-B', build, ...settings])
  const jobs = String(availableParallelism())
  runQuietly('cmake', ['--build', build, '--parallel', jobs, '--target', ...targets])
}

function runFuzzer(target) {
  const corpus = join(build, 'corpus', target)
  mkdirSync(corpus, { recursive: true })
  const stderr = runQuietly(join(build, target), [
    `-max_total_time=${seconds}`,
    '-print_final_stats=1',
    // Seconds for one input.
    '-timeout=10',
    // What libkmod prints about damaged files.
    '-close_fd_mask=3',
    `-artifact_prefix=${build}/${target}-`,
    corpus,
  ])
  console.log(`${target}: ${/number_of_executed_units: (\d+)/.exec(stderr)?.[1]} inputs, no fault`)
}

const targets = chosen.filter((name) => name !== PARSERS)
if (targets.length > 0) buildFuzzers(targets)
for (const target of targets) runFuzzer(target)
if (chosen.includes(PARSERS)) {
  const jest = ['node_modules/jest/bin/jest.js', '--ci', '--selectProjects', 'unit']
  const file = ['--testPathPatterns', 'test/unit/parsers']
  run(process.execPath, [...jest, ...file], { KMOD_FUZZ_SECONDS: seconds })
}
