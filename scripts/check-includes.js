'use strict'
/**
 * Checks that each room (folder) of native/ includes only the rooms that it may include, as
 * eslint.config.mjs does for lib/, and that native/sources.json lists every source file. `npm run lint`
 * runs it.
 */
const { readdirSync, readFileSync } = require('node:fs')
const { dirname, join, relative } = require('node:path')

const NATIVE = join(__dirname, '..', 'native')

/** The rooms of native/, and the rooms that each may include. '.' is addon.cc. */
const ROOMS = {
  common: [],
  proc: ['common'],
  // Reads the files below /proc/net itself: it has to cut them off at a limit, which ReadTextFile
  // does not do.
  net: ['common'],
  process: ['common'],
  libkmod: ['common', 'proc'],
  helper: ['common', 'libkmod', 'net', 'proc', 'process'],
  bridge: ['common'],
  '.': ['bridge', 'common', 'net', 'proc', 'process'],
}
/** Not shipped; the tests may include everything but Node-API. */
const TEST = 'test'

/** Headers that only these rooms may include. */
const RESERVED = [
  {
    header: /^napi\.h$/,
    rooms: ['bridge', '.'],
    why: 'only bridge/ and addon.cc may use Node-API',
  },
  { header: /^node_api\.h$/, rooms: [], why: 'node-addon-api (napi.h) is used instead' },
  { header: /^libkmod\.h$/, rooms: [TEST], why: "the build must not need libkmod's header" },
]
/** The header with the functions of libkmod. Only libkmod/ may include it, even indirectly. */
const LIBKMOD_API = join('libkmod', 'libkmod_api.h')

/** The files below native/, as paths from there. */
function sourceFiles() {
  return ['.', ...Object.keys(ROOMS), TEST]
    .filter((room, i, rooms) => rooms.indexOf(room) === i)
    .flatMap((room) =>
      readdirSync(join(NATIVE, room))
        .filter((name) => /\.(cc|h)$/.test(name))
        .map((name) => join(room, name)),
    )
}

/** The includes of a file: { line, name, target }, with `target` a path below native/ or null. */
function includesOf(file) {
  return readFileSync(join(NATIVE, file), 'utf8')
    .split('\n')
    .flatMap((text, i) => {
      const match = /^\s*#\s*include\s*([<"])([^>"]+)[>"]/.exec(text)
      if (match === null) return []
      const [, quote, name] = match
      const target = quote === '"' ? relative(NATIVE, join(NATIVE, dirname(file), name)) : null
      return [{ line: i + 1, name, target }]
    })
}

const roomOf = (file) => dirname(file)

/** Whether a header includes LIBKMOD_API, directly or indirectly. */
function reachesLibkmod(target, seen = new Set()) {
  if (target === LIBKMOD_API) return true
  if (target === null || seen.has(target)) return false
  seen.add(target)
  return includesOf(target).some((include) => reachesLibkmod(include.target, seen))
}

/** What is wrong with an include, or null. */
function problemOf(file, { name, target }) {
  const room = roomOf(file)
  const reserved = RESERVED.find(({ header }) => target === null && header.test(name))
  if (reserved !== undefined) return reserved.rooms.includes(room) ? null : reserved.why
  if (target === null || room === TEST) return null
  const other = roomOf(target)
  if (other !== room && !ROOMS[room].includes(other)) {
    const allowed = ROOMS[room].map((each) => `${each}/`).join(', ') || 'no other room'
    return `${room === '.' ? 'addon.cc' : `${room}/`} may include ${allowed}`
  }
  if (room !== 'libkmod' && reachesLibkmod(target)) {
    return 'it includes libkmod_api.h, and only libkmod/ may use the functions of libkmod'
  }
  return null
}

/** Folders of native/ that are not in ROOMS. */
function unknownRooms() {
  return readdirSync(NATIVE, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => relative(NATIVE, join(entry.parentPath ?? entry.path, entry.name)))
    .filter((room) => !Object.hasOwn(ROOMS, room) && room !== TEST)
}

/** The .cc files that native/sources.json does not list. */
function unlistedSources(files) {
  const { shared, addon, helper, tests, fuzzers } = require(join(NATIVE, 'sources.json'))
  const parts = [addon, helper].flatMap(({ main, parts: others }) => [main, ...others])
  const listed = new Set([...shared, ...parts, ...tests, ...fuzzers])
  return files.filter((file) => file.endsWith('.cc') && !listed.has(file))
}

const files = sourceFiles()
const problems = [
  ...files.flatMap((file) =>
    includesOf(file).flatMap((include) => {
      const problem = problemOf(file, include)
      return problem === null
        ? []
        : [`native/${file}:${include.line}: must not include ${include.name}: ${problem}.`]
    }),
  ),
  ...unknownRooms().map((room) => `native/${room}: is not a room in scripts/check-includes.js.`),
  ...unlistedSources(files).map((file) => `native/${file}: is not listed in native/sources.json.`),
]
for (const problem of problems) console.error(problem)
if (problems.length > 0) process.exit(1)
