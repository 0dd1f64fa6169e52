/** A system for which the package has no binary: the command of the error builds one. */
import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { FIRST_CALL, installedProgram, run, temporaryFolder } from '../tarball'

jest.setTimeout(240_000)

const folder = temporaryFolder('build')

test('without a binary, the first error names a command that builds one, and it works', () => {
  const user = installedProgram(folder)
  const installed = join(user, 'node_modules', 'node-kmod')
  const inUser = (command: string, args: string[]): string => run(command, args, user)
  rmSync(join(installed, 'prebuilds'), { recursive: true })
  const call = `import('node-kmod').then(({ kmod }) => kmod.list()).catch((error) => console.log(error.code, error.message))`
  const printed = inUser(process.execPath, ['-e', call])
  expect(printed).toContain('ERR_KMOD_LIBRARY')
  const [, command] = /`([^`]+)`/.exec(printed)!
  expect(command).toBe(`node ${join(installed, 'scripts/build.js')}`)
  inUser('sh', ['-c', command!])
  expect(readdirSync(join(installed, 'build/Release'))).toEqual(
    expect.arrayContaining(['kmod.node', 'kmod-helper']),
  )
  const first = `import('node-kmod').then(async ({ kmod }) => ${FIRST_CALL})`
  expect(inUser(process.execPath, ['-e', first])).toBe('true\n')
}, 600_000)
