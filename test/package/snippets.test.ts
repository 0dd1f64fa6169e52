/** The code of README and docs/ does what the pages say: for users who copy it. */
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { CommanderError } from 'commander'
import { Kmod } from 'node-kmod'
import { propertyOf } from '../../lib/cli/options'
import { parse } from '../../lib/cli/program'
import { CapturedSystem } from '../support/captured-system'
import { ROOT } from '../support/child'
import { COMMAND_PAGES, commandLines, type CommandLine } from '../support/command-lines'
import { PAGES, programs, snippetsOf } from '../support/documents'
import { Editor } from '../support/editor'
import { fillLaptop } from '../support/laptop'
import { runCaptured } from '../support/snippets'

jest.setTimeout(60_000)

const SNIPPETS = programs(PAGES)

test('every snippet type-checks', () => {
  expect(SNIPPETS.length).toBeGreaterThan(20)
  const editor = new Editor(
    Object.fromEntries(SNIPPETS.map(({ code }, i) => [`snippet-${i}.mts`, code])),
  )
  const problems = SNIPPETS.map(({ name }, i) => [name, ...editor.problems(`snippet-${i}.mts`)])
  expect(problems.filter(([, ...found]) => found.length > 0)).toEqual([])
})

describe('on the captured system of a laptop', () => {
  const methods = Object.getOwnPropertyNames(Kmod.prototype).filter(
    (name) => !['constructor', 'close'].includes(name),
  )
  let laptop: CapturedSystem
  beforeAll(() => {
    laptop = fillLaptop(new CapturedSystem())
  })
  afterAll(() => laptop.remove())

  const here = SNIPPETS.filter(({ runs }) => runs.where === 'captured')
  test.each(here.map((snippet) => [snippet.name, snippet] as const))('%s', async (_, snippet) => {
    const { code, stdout, stderr } = await runCaptured(snippet, laptop.root, methods)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    if (snippet.output !== null) expect(stdout).toBe(snippet.output)
  })
})

describe('the commands of the pages', () => {
  const commands = COMMAND_PAGES.flatMap(commandLines)
  const of = (program: CommandLine['program']): CommandLine[] =>
    commands.filter((command) => command.program === program)
  /** The commands with what is wrong with each. */
  const problems = (
    all: readonly CommandLine[],
    problemOf: (command: CommandLine) => string | null,
  ): string[] =>
    all.flatMap((command) => {
      const problem = problemOf(command)
      return problem === null ? [] : [`${command.name}: ${problem}`]
    })

  test('node-kmod accepts the verbs, options and values', () => {
    expect(of('node-kmod').length).toBeGreaterThan(20)
    const notAccepted = problems(of('node-kmod'), ({ args, isInline }) => {
      // A sentence can name the program, or an option, without a verb.
      const hasNoVerb = isInline && args.every((word) => word.startsWith('-'))
      return usageProblem(hasNoVerb ? ['list', ...args] : args, isInline)
    })
    expect(notAccepted).toEqual([])
  })

  test('npm has the commands and scripts', () => {
    expect(of('npm').length).toBeGreaterThan(30)
    expect(problems(of('npm'), npmProblem)).toEqual([])
  })

  test('npx has the programs', () => {
    expect(of('npx').length).toBeGreaterThan(3)
    const missing = problems(of('npx'), ({ args }) => {
      const [name = ''] = args
      const isOurs = Object.hasOwn(packageOf(ROOT).bin!, name)
      return isOurs || existsSync(join(ROOT, 'node_modules/.bin', name)) ? null : 'no such program'
    })
    expect(missing).toEqual([])
  })

  const scripts = COMMAND_PAGES.flatMap(snippetsOf).filter(({ language }) => language === 'sh')
  test.each(scripts.map(({ name, code }) => [name, code]))('%s is for a shell', (_, code) => {
    expect(() => execFileSync('bash', ['-n'], { input: code, stdio: 'pipe' })).not.toThrow()
  })
})

/** What the command line says of these arguments; null: it accepts them. */
function usageProblem(args: readonly string[], isPart = false): string | null {
  let printed = ''
  const print = (text: string): void => void (printed += text)
  try {
    const { verb, options } = parse(args, { out: print, err: print })
    for (const option of verb.options) {
      if (!Array.isArray(option.words)) continue
      const words: readonly string[] = option.words
      const given = [options[propertyOf(option)] ?? []].flat() as string[]
      // An effect can have a subject, as in default-route:wlan0.
      const wrong = given.find((value) => !words.includes(value.split(':')[0]!))
      if (wrong !== undefined) return `--${option.name} has no value ${wrong}`
    }
    return null
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    const isIncomplete = isPart && error.code === 'commander.missingArgument'
    return error.exitCode === 0 || isIncomplete ? null : printed
  }
}

/** Of npm's own commands, those that the pages use. */
const NPM_COMMANDS = ['ci', 'install', 'owner', 'pack', 'publish']

interface Package {
  scripts: Record<string, string>
  bin?: Record<string, string>
}

const packageOf = (folder: string): Package =>
  JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Package

function npmProblem({ page, args }: CommandLine): string | null {
  const [command = '', ...rest] = args
  if (NPM_COMMANDS.includes(command)) return null
  const [script = '', ...words] = command === 'run' ? rest : args
  if (command !== 'run' && command !== 'test') return 'no such command'
  const own = join(ROOT, dirname(page))
  const folders = existsSync(join(own, 'package.json')) ? [own, ROOT] : [ROOT]
  if (!folders.some((folder) => Object.hasOwn(packageOf(folder).scripts, script))) {
    return 'no such script'
  }
  const end = words.includes('--') ? words.indexOf('--') : words.length
  const forNpm = words.slice(0, end).find((word) => word.startsWith('-'))
  if (forNpm !== undefined) return `npm takes ${forNpm} for its own, because there is no -- before`
  const passedOn = words.slice(end + 1)
  if (script === 'vm' && passedOn.length > 0) return usageProblem(['vm', ...passedOn])
  // Patterns for jest, which are the begin of a path here.
  const lost = words.find((word) => /^(test|examples)\//.test(word) && !isBeginOfPath(word))
  return lost === undefined ? null : `no file begins with ${lost}`
}

function isBeginOfPath(path: string): boolean {
  const folder = join(ROOT, dirname(path))
  return existsSync(folder) && readdirSync(folder).some((name) => name.startsWith(basename(path)))
}
