/** The files of a captured system: no symbolic link leads out of its root. */
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { filesOf } from '../support/captured-snapshot'
import { CapturedSystem } from '../support/captured-system'

let system: CapturedSystem
beforeEach(() => (system = new CapturedSystem().write('etc/inside', 'inside')))
afterEach(() => system.remove())

test('are read inside the root only', async () => {
  const secret = join(system.folder, 'secret')
  writeFileSync(secret, 'secret')
  system
    .link(secret, 'etc/hostile')
    .link('../../secret', 'etc/climbing')
    .link('/etc/inside', 'etc/good')
  const files = filesOf(system)
  const paths = ['/etc/hostile', '/etc/climbing', '/etc/good', '/etc/inside', '/etc/missing']
  const texts = [null, null, 'inside', 'inside', null]
  expect(await files.readTexts(paths)).toEqual(texts)
  expect(await files.readBytes(paths)).toEqual(
    texts.map((text) => (text === null ? null : Buffer.from(text))),
  )
})

test('answer each question at its position, also where links form a loop', async () => {
  system.link('b', 'etc/a').link('a', 'etc/b')
  const files = filesOf(system)
  expect(await files.resolve(['/etc/a', '/etc/inside'])).toEqual([null, system.at('etc/inside')])
  expect(await files.readTexts(['/etc/a', '/etc/inside'])).toEqual([null, 'inside'])
  expect(await files.listNames(['/etc/a', '/etc', '/missing'])).toEqual([
    [],
    ['a', 'b', 'inside'],
    [],
  ])
})

test('have links that are read as they are, in a folder that is resolved', async () => {
  system.link('../etc', 'usr/etc').link('/nowhere/at all', 'etc/odd')
  expect(
    await filesOf(system).readLinks(['/usr/etc/odd', '/usr/etc', '/etc/inside', '/etc/missing']),
  ).toEqual(['/nowhere/at all', '../etc', null, null])
})

test('may be FIFOs, which are not waited for', async () => {
  execFileSync('mkfifo', [system.at('etc/fifo')])
  expect(await filesOf(system).readTexts(['/etc/fifo'])).toEqual([null])
  expect(await filesOf(system).readBytes(['/etc/fifo'])).toEqual([null])
})
