/** `npm run bench`: tables of ratios. The exit status is 1 if a target is missed. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Command } from 'commander'
import { runInVm } from '../lib/vm'
import { testKernel } from '../test/vm/kernel'
import { guestCases } from './guest'
import { hostCases } from './host'
import { makeTable } from './made-up-tables'
import { buildPrograms } from './programs'
import { show, type TitledPart } from './report'
import { isMet, type Case } from './row'
import { choose, runCases } from './run-cases'
import { scaleCases } from './scale'
import { ROOT, withFolder } from './surroundings'

interface Options {
  only: string
  host?: true
  guest?: true
  scale?: true
  save?: string
  compare?: string
}

const options = new Command('npm run bench --')
  .description(
    'Compares the speed of node-kmod with C programs, JavaScript and the tools of Debian.',
  )
  .option('--only <pattern>', 'only cases whose name has this regular expression', '')
  .option('--host', 'only what is measured on this machine')
  .option('--guest', 'only what is measured on a real kernel, in a virtual machine')
  .option('--scale', 'only time and memory with many modules, mounts, processes and descriptors')
  .option('--save <file>', 'write the figures to this file')
  .option('--compare <file>', 'show the figures of a saved run beside these')
  .parse()
  .opts<Options>()

function hostPart(title: string, cases: readonly Case[], programs: string): Promise<TitledPart> {
  return withFolder(async (folder) => {
    const table = join(folder, 'modules')
    writeFileSync(table, makeTable(2_000))
    return { title, ...(await runCases(cases, programs, table)) }
  })
}

async function guestPart(programs: string): Promise<TitledPart> {
  const { files, stdout, stderr } = await runInVm({
    ...testKernel('6.12'),
    command: [
      process.execPath,
      join(ROOT, 'node_modules/tsx/dist/cli.mjs'),
      join(__dirname, 'guest/main.ts'),
      programs,
      options.only,
    ],
    cwd: ROOT,
    processors: 2,
    timeout: 1_800_000,
    onOutput: (text) => process.stderr.write(text),
  })
  const part = files.get('part.json')
  if (part === undefined) throw new Error(`The guest left no rows.\n${stdout}${stderr}`)
  return JSON.parse(part.toString()) as TitledPart
}

async function* measure(programs: string): AsyncGenerator<TitledPart> {
  const { only, host, guest, scale } = options
  if (scale === true) {
    yield hostPart('On this machine, many of everything', choose(scaleCases, only), programs)
    return
  }
  const [here, there] = [choose(hostCases, only), choose(guestCases, only)]
  if (here.length > 0 && guest !== true) yield hostPart('On this machine', here, programs)
  if (there.length > 0 && host !== true) yield guestPart(programs)
}

async function main(): Promise<void> {
  // Also if the process ends because nothing is left that it waits for.
  process.exitCode = 1
  const { save, compare } = options
  const saved = compare === undefined ? undefined : readSaved(compare)
  const parts: TitledPart[] = []
  for await (const part of measure(buildPrograms(ROOT))) {
    parts.push(part)
    if (save !== undefined) writeFileSync(save, `${JSON.stringify(parts, null, 1)}\n`)
    show(
      part,
      saved?.flatMap(({ rows }) => rows),
    )
  }
  if (parts.length === 0)
    throw new Error(`No case has ${JSON.stringify(options.only)} in its name.`)
  if (parts.every(({ rows }) => rows.every(isMet))) process.exitCode = 0
}

const readSaved = (file: string): TitledPart[] =>
  JSON.parse(readFileSync(file, 'utf8')) as TitledPart[]

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error)
})
