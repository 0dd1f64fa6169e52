/** examples/driver-ci as a new user runs it: the packed package, and the one command of its README. */
import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ROOT } from '../support/child'

// A cold cache downloads a kernel first.
jest.setTimeout(900_000)

let folder: string
const run = (command: string, args: string[], cwd: string): string =>
  execFileSync(command, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'kmod-driver-'))
  const pack = ['pack', '--json', '--ignore-scripts', '--pack-destination', folder]
  const packed = JSON.parse(run('npm', pack, ROOT)) as { filename: string }[]
  const { filename } = Object.values(packed)[0]!
  writeFileSync(join(folder, 'package.json'), '{ "name": "user", "private": true }')
  const options = ['--ignore-scripts', '--no-audit', '--no-fund']
  run('npm', ['install', ...options, join(folder, filename)], folder)
  // What was built already, in place of a build of some minutes. package.test.ts has that one.
  cpSync(join(ROOT, 'build'), join(folder, 'node_modules/node-kmod/build'), { recursive: true })
  // The same for Jest and its hundreds of packages.
  symlinkSync(join(ROOT, 'node_modules/jest'), join(folder, 'node_modules/jest'))
  symlinkSync('../jest/bin/jest.js', join(folder, 'node_modules/.bin/jest'))
  mkdirSync(join(folder, 'driver-ci'))
  const project = join(ROOT, 'examples/driver-ci')
  for (const name of ['driver', 'test', 'package.json']) {
    cpSync(join(project, name), join(folder, 'driver-ci', name), { recursive: true })
  }
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

test('its one command builds the driver, boots a kernel, and all tests pass there', () => {
  // Jest prints its results on the standard error.
  const test = ['-c', 'npm test 2>&1']
  const printed = run('sh', test, join(folder, 'driver-ci'))
  expect(printed).toMatch(/Tests: +3 passed, 3 total/)
})

test('a test that fails is the exit status of the command', () => {
  const failing = ['--kernel', '6.12', '--', 'sh', '-c', 'echo seen; echo "$RESULTS" >&2; exit 7']
  const vm = join(folder, 'node_modules/.bin/node-kmod')
  expect(() => run(vm, ['vm', ...failing], join(folder, 'driver-ci'))).toThrow(
    expect.objectContaining({ status: 7, stdout: 'seen\n', stderr: '/results/files\n' }) as Error,
  )
})
