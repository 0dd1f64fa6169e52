/** examples/driver-ci as a new user runs it: the packed package, and the one command of its README. */
import { cpSync, mkdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT } from '../support/child'
import { installedProgram, run, temporaryFolder } from './tarball'

// A cold cache downloads a kernel first.
jest.setTimeout(900_000)

const folder = temporaryFolder('driver-ci')
let project: string

beforeAll(() => {
  const user = installedProgram(folder)
  // Jest has hundreds of packages, which are here already.
  symlinkSync(join(ROOT, 'node_modules/jest'), join(user, 'node_modules/jest'))
  symlinkSync('../jest/bin/jest.js', join(user, 'node_modules/.bin/jest'))
  project = join(user, 'driver-ci')
  mkdirSync(project)
  for (const name of ['driver', 'test', 'package.json']) {
    cpSync(join(ROOT, 'examples/driver-ci', name), join(project, name), { recursive: true })
  }
})

test('its one command builds the driver, boots a kernel, and all tests pass there', () => {
  // Jest prints its results on the standard error.
  const test = ['-c', 'npm test 2>&1']
  const printed = run('sh', test, project)
  expect(printed).toMatch(/Tests: +3 passed, 3 total/)
})

test('a test that fails is the exit status of the command', () => {
  const failing = ['--kernel', '6.12', '--', 'sh', '-c', 'echo seen; echo "$RESULTS" >&2; exit 7']
  const vm = join(project, '../node_modules/.bin/node-kmod')
  expect(() => run(vm, ['vm', ...failing], project)).toThrow(
    expect.objectContaining({ status: 7, stdout: 'seen\n', stderr: '/results/files\n' }) as Error,
  )
})
