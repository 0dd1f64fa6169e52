/** The package as it is published, and programs that use it. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Returns what the command printed. */
export function run(
  command: string,
  args: readonly string[],
  cwd: string,
  env: NodeJS.ProcessEnv = process.env,
): string {
  return execFileSync(command, args, {
    cwd,
    env,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  })
}

/** An empty folder, removed after the tests of the file. */
export function temporaryFolder(name: string): string {
  const folder = mkdtempSync(join(tmpdir(), `kmod-${name}-`))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** The path of the packed package. */
export function tarball(): string {
  return process.env.NODE_KMOD_TARBALL!
}

/** A folder of a program that has no dependencies yet. */
export function emptyProgram(folder: string, name: string): string {
  const program = join(folder, name)
  mkdirSync(program)
  writeFileSync(join(program, 'package.json'), JSON.stringify({ name, private: true }))
  return program
}

/** A program with the package installed by npm. */
export function installedProgram(folder: string): string {
  const program = emptyProgram(folder, 'user')
  run('npm', ['install', '--no-audit', '--no-fund', tarball()], program)
  return program
}

/** The environment of a system without a compiler, python and make: its PATH has only Node.js and sh. */
export function withoutCompiler(folder: string): NodeJS.ProcessEnv {
  const programs = join(folder, 'bin')
  mkdirSync(programs)
  symlinkSync(process.execPath, join(programs, 'node'))
  symlinkSync('/bin/sh', join(programs, 'sh'))
  return { ...process.env, PATH: programs }
}

/** Prints `true` if the addon, the helper and libkmod work. */
export const FIRST_CALL = `console.log((await kmod.preflight()).libkmod !== null)`
