/**
 * Whatever the files of /proc and /sys contain, the parsers end and throw nothing. Other users choose parts
 * of these texts: names, paths, options. `npm run test:fuzz -- SECONDS` tries more texts. (The table of
 * loaded modules is checked by native/proc/loaded_table.cc before it is parsed; fuzz_table.cc tests that.)
 */
import fc from 'fast-check'
import { capturedFiles } from '../../lib/captured/captured-files'
import { capturedSurvey } from '../../lib/captured/captured-survey'
import { RootView } from '../../lib/captured/root-view'
import { SURVEY_FILE } from '../../lib/captured/survey-file'
import { isKmodError } from '../../lib/contract/errors'
import { parseCommandLine } from '../../lib/kernel/command-line'
import type { SystemFiles } from '../../lib/kernel/system-files'
import { Decoder } from '../../lib/live/helper/wire'
import { buildSnapshot } from '../../lib/snapshot/build'
import { parseMountinfo, unescapeOctal } from '../../lib/snapshot/system/mount-tables'
import { aliasIndex } from '../support/captured-snapshot'
import { survey } from '../support/snapshots'

const SECONDS = process.env.KMOD_FUZZ_SECONDS
const LIMITS =
  SECONDS === undefined
    ? { numRuns: 200 }
    : { numRuns: 1e9, interruptAfterTimeLimit: Number(SECONDS) * 1000 }
jest.setTimeout(60_000 + Number(SECONDS ?? 0) * 1000)

/** What such files consist of, so that more than the first field of a line is read. */
const TOKENS = [
  ...[
    '-',
    '0',
    '1',
    '8:1',
    '0:4',
    '254:3',
    '00000000',
    'ffffffff',
    '0000000000000000',
    '4294967296',
  ],
  ...['/', '/mnt', '/dev/sda1', '/proc', '//', '/../..', 'a\\040b', '\\', '\\134', ''],
  ...['ext4', 'tmpfs', 'nsfs', 'overlay', 'rw', 'shared:1', 'lowerdir=/a:/b', 'net:[4026531992]'],
  ...[
    'lo',
    'eth0',
    'tun',
    'brd',
    'sda',
    'tcp',
    'raw6',
    'Live',
    'Loading',
    '(POE)',
    'dummy,',
    '[permanent]',
  ],
  ...['name', 'driver', 'module', 'filename', 'TCP', 'socket:[1]', 'module_blacklist=a,b', '"'],
]
const separator = fc.constantFrom(' ', ' ', ' ', '\t', ':', ' : ', ',', '  ', '=', '\0')
const line = fc
  .array(fc.tuple(fc.oneof(fc.constantFrom(...TOKENS), fc.string({ maxLength: 8 })), separator), {
    maxLength: 16,
  })
  .map((parts) => parts.flat().join(''))
const text = fc.array(line, { maxLength: 12 }).map((lines) => lines.join('\n'))

/** Files whose contents do not depend on what they are, and are the same at each reading. */
function randomFiles(texts: readonly string[], names: readonly string[]): SystemFiles {
  const choose = <T>(path: string, all: readonly T[]): T | null => {
    let hash = 7
    for (const character of path) hash = (hash * 31 + character.charCodeAt(0)) % 65_521
    return all[hash % (all.length + 1)] ?? null
  }
  // A tree that ends: the names in a folder far below the root are not read.
  const isDeep = (folder: string): boolean => folder.split('/').length > 6
  return {
    readTexts: (paths) => Promise.resolve(paths.map((path) => choose(path, texts))),
    readBytes: (paths) =>
      Promise.resolve(paths.map((path) => Buffer.from(choose(path, texts) ?? '', 'latin1'))),
    readLinks: (paths) =>
      Promise.resolve(paths.map((path) => choose(path, texts)?.split('\n', 1)[0] ?? null)),
    listNames: (folders) =>
      Promise.resolve(
        folders.map((folder) => (isDeep(folder) ? [] : names.slice(0, folder.length % 4))),
      ),
    readStatuses: (paths) =>
      Promise.resolve(
        paths.map((path) => {
          const kinds = ['file', 'folder', 'other'] as const
          const kind = choose(path, kinds)
          return kind === null ? null : { kind, inode: String(path.length) }
        }),
      ),
  }
}

const files = fc
  .tuple(
    fc.array(text, { minLength: 1, maxLength: 8 }),
    fc.array(
      fc.oneof(fc.constantFrom('1', '42', 'sda', 'eth0', 'a', 'wg:0'), fc.string({ minLength: 1 })),
      {
        maxLength: 8,
      },
    ),
  )
  .map(([texts, names]) =>
    randomFiles(
      texts,
      names.filter((name) => !name.includes('/')),
    ),
  )

test('the text of mountinfo', () => {
  fc.assert(
    fc.property(text, (mountinfo) => {
      for (const { superblock, path, type, source } of parseMountinfo(mountinfo)) {
        expect([superblock, path, type, source].every((field) => typeof field === 'string')).toBe(
          true,
        )
      }
      expect(unescapeOctal(mountinfo).length).toBeLessThanOrEqual(mountinfo.length)
    }),
    LIMITS,
  )
})

test('the command line of the kernel', () => {
  fc.assert(
    fc.property(text, (commandLine) => {
      const { blacklist, load } = parseCommandLine(commandLine)
      for (const name of [...blacklist, ...load]) expect(name).not.toMatch(/^$|[",]/)
    }),
    LIMITS,
  )
})

test('messages of the helper', () => {
  const pieces = fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 8 })
  fc.assert(
    fc.property(pieces, (all) => {
      const decoder = new Decoder()
      try {
        for (const piece of all)
          for (const { id } of decoder.push(Buffer.from(piece))) expect(id).toBeDefined()
      } catch (error) {
        if (!isKmodError(error, 'ERR_KMOD_SYSTEM')) throw error
      }
    }),
    LIMITS,
  )
})

test('a snapshot of the running system, from any files', async () => {
  const tables = fc.array(
    fc.record({ pid: fc.nat(), own: fc.boolean(), first: fc.boolean(), text }),
    { maxLength: 3 },
  )
  await fc.assert(
    fc.asyncProperty(files, tables, text, async (system, mountTables, netText) => {
      const netFiles = ['tcp', 'packet', 'raw', 'protocols', 'ip_vs', 'pppoe', 'l2cap'].map(
        (name) => ({
          netns: null,
          path: `/proc/net/${name}`,
          text: netText,
        }),
      )
      const raw = survey({ mountTables, netFiles })
      const { mounts, unreadable } = await buildSnapshot(
        raw,
        system,
        aliasIndex({ 'fs-ext4': 'ext4' }),
      )
      expect(mounts.length).toBeLessThanOrEqual(mountTables.length * 12)
      expect(unreadable.every((phrase) => typeof phrase === 'string')).toBe(true)
    }),
    LIMITS,
  )
})

test('a survey of a captured system, from any files', async () => {
  await fc.assert(
    fc.asyncProperty(files, async (system) => {
      const all = capturedFiles(new RootView('/nowhere'), system)
      const captured: typeof all = {
        ...all,
        // A copy that capture() made has its survey in a file, which is checked.
        readTexts: (paths) => all.readTexts(paths.filter((path) => path !== SURVEY_FILE)),
      }
      const raw = await capturedSurvey(captured, true)
      await buildSnapshot(raw, captured, aliasIndex({}))
    }),
    LIMITS,
  )
})
