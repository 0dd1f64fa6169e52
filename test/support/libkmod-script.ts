/** Runs a script that uses node-kmod/libkmod, in a process of its own. */
import { runScript, type Outcome } from './child'

const COMMON = `
  const { Context, Module } = require('node-kmod/libkmod')
  const directory = process.argv[1]
  const open = () => new Context({ directory, configPaths: [] })
  const codeOf = ({ code }) => code
  const sleep = (delay) => new Promise((resolve) => setTimeout(resolve, delay))
  const { readdirSync, readFileSync } = require('fs')
  // The names of the threads of this process.
  const threads = () => readdirSync('/proc/self/task').flatMap((id) => {
    try { return [readFileSync('/proc/self/task/' + id + '/comm', 'utf8').trim()] } catch { return [] }
  }).filter((name) => name === 'kmod-libkmod').length
  require('v8').setFlagsFromString('--expose-gc')
  const gc = require('vm').runInNewContext('gc')
  const untilThreads = async (count) => { while (threads() !== count) await sleep(5) }`

/** `directory`: the folder of modules. The script has what COMMON defines. */
export function runLibkmodScript(
  body: string,
  directory: string,
  { env, args = [] }: { env?: NodeJS.ProcessEnv; args?: string[] } = {},
): Promise<Outcome> {
  const script = `${COMMON}
     ;(async () => { ${body} })()`
  return runScript(script, { args: [directory, ...args], env })
}

export const success = (stdout: string): Outcome => ({ code: 0, signal: null, stdout, stderr: '' })
