/** The options of apt when the virtual machine's kernels are downloaded. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { aptOptions } from '../../lib/vm/apt'
import { findDebianSource, sourceOf } from '../../lib/vm/debian-source'

let etc: string
beforeEach(() => {
  etc = mkdtempSync(join(tmpdir(), 'kmod-apt-'))
  mkdirSync(join(etc, 'sources.list.d'))
})
afterEach(() => rmSync(etc, { recursive: true }))

const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg'

describe('the Debian mirror of this system', () => {
  test('is found in a file of one-line entries', () => {
    writeFileSync(
      join(etc, 'sources.list'),
      `# deb http://commented.example/debian bookworm main
deb-src http://source.example/debian bookworm main
deb http://security.example/debian-security bookworm-security main
deb [arch=amd64 signed-by=${KEYRING}] http://mirror.example/debian/ bookworm main
`,
    )
    expect(findDebianSource(etc)).toEqual({
      uri: 'http://mirror.example/debian/',
      signedBy: KEYRING,
    })
  })

  test('is found in a file of stanzas', () => {
    writeFileSync(
      join(etc, 'sources.list.d', 'debian.sources'),
      `# A mirror that is switched off.
Types: deb
URIs: http://off.example/debian
Suites: bookworm
Enabled: no

Types: deb-src
URIs: http://source.example/debian

Types: deb deb-src
# http://snapshot.example/debian
URIs: http://security.example/debian-security http://mirror.example/debian
Suites: bookworm
Signed-By: ${KEYRING}
`,
    )
    expect(findDebianSource(etc)).toEqual({
      uri: 'http://mirror.example/debian',
      signedBy: KEYRING,
    })
  })

  test('can have its key in the file itself', () => {
    const key = '-----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n mQINBGPL0BUBEADmW5NdOOHwPIJlgPu6JDcK\n'
    writeFileSync(
      join(etc, 'sources.list.d', 'debian.sources'),
      `Types: deb\nURIs: http://mirror.example/debian\nSigned-By:\n ${key}Suites: bookworm\n`,
    )
    const source = findDebianSource(etc)
    expect(source.signedBy).toBe(key.trim())
    expect(sourceOf(source, 'sid')).toContain(`Signed-By:\n ${key.trim()}\n`)
  })

  test("is Debian's own if there is none, and the keys are installed", () => {
    writeFileSync(join(etc, 'sources.list'), 'deb http://archive.example/ubuntu noble main\n')
    const keyring = join(etc, 'keyring.gpg')
    writeFileSync(keyring, '')
    expect(findDebianSource(etc, keyring).signedBy).toBe(keyring)
  })

  test('causes an error if it is missing, and the keys too', () => {
    writeFileSync(join(etc, 'sources.list'), 'deb http://archive.example/ubuntu noble main\n')
    const missing = join(etc, 'keyring.gpg')
    expect(() => findDebianSource(etc, missing)).toThrow(/apt-get install debian-archive-keyring/)
  })
})

test('an expired release file of unstable is accepted, and its signature still checked', () => {
  const source = sourceOf({ uri: 'http://mirror.example/debian', signedBy: KEYRING }, 'sid')
  expect(source.trimEnd().split('\n').sort()).toEqual([
    'Check-Valid-Until: no',
    'Components: main',
    `Signed-By: ${KEYRING}`,
    'Suites: sid',
    'Types: deb',
    'URIs: http://mirror.example/debian',
  ])
})

test('apt uses only the source that it is given, and folders of the cache', () => {
  expect(aptOptions('/cache/apt', '/cache/apt/unstable.sources')).toEqual([
    ...['-o', 'Dir::State::lists=/cache/apt/lists'],
    ...['-o', 'Dir::Cache=/cache/apt'],
    ...['-o', 'APT::Sandbox::User='],
    ...['-o', 'APT::Update::Post-Invoke-Success='],
    ...['-o', 'Acquire::Languages=none'],
    ...['-o', 'Dir::Etc::sourcelist=/cache/apt/unstable.sources'],
    ...['-o', 'Dir::Etc::sourceparts=-'],
    ...['-o', 'Dir::State::status=/dev/null'],
  ])
  // No option disables a check for the sources of the system.
  expect(aptOptions('/cache/apt').join(' ')).not.toMatch(/valid|unauthenticated|insecure|source/i)
})
