/** The documentation: what an editor shows for the package, and what README and CONTRIBUTING say. */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import ts from 'typescript'
import { plan } from '../../lib/plan/plan'
import { ROOT } from '../support/child'
import { SimulatedKernel } from '../support/simulated-kernel'

jest.setTimeout(120_000)

/** TypeScript's language service, as an editor runs it for a program that imports the built package. */
class Editor {
  readonly #files: ReadonlyMap<string, string>
  readonly #service: ts.LanguageService

  constructor(sources: Readonly<Record<string, string>>) {
    // Inside the package, so that its name resolves to what package.json exports.
    this.#files = new Map(Object.entries(sources).map(([name, text]) => [join(ROOT, name), text]))
    const read = (path: string): string | undefined =>
      this.#files.get(path) ?? ts.sys.readFile(path)
    this.#service = ts.createLanguageService({
      getScriptFileNames: () => [...this.#files.keys()],
      getScriptVersion: () => '1',
      getScriptSnapshot: (path) => {
        const text = read(path)
        return text === undefined ? undefined : ts.ScriptSnapshot.fromString(text)
      },
      getCurrentDirectory: () => ROOT,
      getCompilationSettings: () => ({
        module: ts.ModuleKind.Node16,
        target: ts.ScriptTarget.ES2022,
        lib: ['lib.es2023.d.ts'],
        types: ['node'],
        strict: true,
        noEmit: true,
      }),
      getDefaultLibFileName: ts.getDefaultLibFilePath,
      fileExists: (path) => this.#files.has(path) || ts.sys.fileExists(path),
      readFile: read,
      directoryExists: ts.sys.directoryExists,
      getDirectories: ts.sys.getDirectories,
    })
  }

  get program(): ts.Program {
    return this.#service.getProgram()!
  }

  /** What the editor shows for the name that follows the mark. */
  hover(file: string, mark: string): { documentation: string; tags: string } {
    const path = join(ROOT, file)
    const at = this.#files.get(path)!.indexOf(mark) + mark.length
    const { documentation, tags = [] } = this.#service.getQuickInfoAtPosition(path, at) ?? {}
    const tagTexts = tags.map(({ name, text }) => `@${name} ${ts.displayPartsToString(text)}`)
    return { documentation: ts.displayPartsToString(documentation), tags: tagTexts.join('\n') }
  }

  /** The type errors in a file. */
  problems(file: string): string[] {
    const path = join(ROOT, file)
    return [
      ...this.#service.getSyntacticDiagnostics(path),
      ...this.#service.getSemanticDiagnostics(path),
    ].map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'))
  }
}

const { program } = new Editor({ 'all.mts': "export * from 'node-kmod'" })
const checker = program.getTypeChecker()
const declarations = program.getSourceFile(join(ROOT, 'dist/index.d.ts'))!
const publicSymbols = new Map(
  checker
    .getExportsOfModule(checker.getSymbolAtLocation(declarations)!)
    .map((symbol) => [
      symbol.name,
      symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol,
    ]),
)
const publicType = (name: string): ts.Type =>
  checker.getDeclaredTypeOfSymbol(publicSymbols.get(name)!)
const documentationOf = (symbol: ts.Symbol): string =>
  ts.displayPartsToString(symbol.getDocumentationComment(checker))
/** The words that a type of string literals allows. */
const words = (type: ts.Type): string[] =>
  (type.isUnion() ? type.types : [type]).map((one) => (one as ts.StringLiteralType).value).sort()

const allMethods = publicType('Kmod')
  .getProperties()
  .filter(({ name }) => !name.startsWith('#'))
/** Without those that end the object: they are methods only. */
const methods = allMethods.filter(({ name }) => name !== 'close' && !name.includes('asyncDispose'))
const methodNames = methods.map(({ name }) => name)

describe('in an editor', () => {
  test.each(methodNames)('%s has the same documentation as a function and as a method', (name) => {
    const editor = new Editor({
      'user.mts': `import { /* import */${name}, kmod } from 'node-kmod'
        export const other = /* mention */${name}
        // @ts-ignore -- without its arguments
        void /* call */${name}()
        // @ts-ignore -- without its arguments
        void kmod./* method */${name}()`,
    })
    const method = editor.hover('user.mts', '/* method */')
    expect(method.documentation).not.toBe('')
    for (const place of ['import', 'mention', 'call']) {
      expect(editor.hover('user.mts', `/* ${place} */`)).toEqual(method)
    }
  })

  test('each function has the type of its method', () => {
    const typeOf = (symbol: ts.Symbol): string =>
      checker.typeToString(
        checker.getTypeOfSymbol(symbol),
        undefined,
        ts.TypeFormatFlags.NoTruncation,
      )
    for (const method of methods) {
      expect(typeOf(publicSymbols.get(method.name)!)).toBe(typeOf(method))
    }
  })

  test('every exported name is documented, and every method', () => {
    const members = [...allMethods, ...publicType('KmodError').getProperties()].filter(
      // The members of class Error belong to the standard library.
      ({ declarations: found = [] }) =>
        found.every((one) => one.getSourceFile().fileName.startsWith(join(ROOT, 'dist'))),
    )
    const undocumented = [...publicSymbols.values(), ...members]
      .filter((symbol) => documentationOf(symbol) === '')
      .map(({ name }) => name)
    expect(undocumented).toEqual([])
  })

  test('every option is documented: a default, and the unit of a number', () => {
    const problems: string[] = []
    for (const name of [...publicSymbols.keys()].filter((one) => one.endsWith('Options'))) {
      for (const option of publicType(name).getProperties()) {
        const text = documentationOf(option)
        const type = checker.getNonNullableType(checker.getTypeOfSymbol(option))
        const isObject =
          type.getCallSignatures().length > 0 || checker.typeToString(type) === 'AbortSignal'
        const isNumber = (type.flags & ts.TypeFlags.Number) !== 0
        if (text === '') problems.push(`${name}.${option.name}: nothing`)
        if (!isObject && !/default/i.test(text)) problems.push(`${name}.${option.name}: no default`)
        if (isNumber && !/milliseconds/i.test(text)) {
          problems.push(`${name}.${option.name}: no unit`)
        }
      }
    }
    expect(problems).toEqual([])
  })
})

const readme = readFileSync(join(ROOT, 'README.md'), 'utf8')
const contributing = readFileSync(join(ROOT, 'CONTRIBUTING.md'), 'utf8')

/** The rows of the tables whose first column has this title; each cell without the spaces around it. */
function rows(document: string, title: string): string[][] {
  const lines = document.split('\n')
  return lines.flatMap((line, i) => {
    if (!new RegExp(`^\\| ${title} +\\|`).test(line)) return []
    const table = lines.slice(i + 2)
    return table
      .slice(
        0,
        table.findIndex((row) => !row.startsWith('|')),
      )
      .map((row) =>
        row
          .split('|')
          .slice(1, -1)
          .map((cell) => cell.trim()),
      )
  })
}

/** The texts between backticks in the first column of such tables. */
const names = (document: string, title: string): string[] =>
  rows(document, title).flatMap(([cell]) => quoted(cell!))
const quoted = (text: string): string[] => [...text.matchAll(/`([^`]+)`/g)].map(([, one]) => one!)

describe('the README', () => {
  test('its code and the examples of the documentation type-check', () => {
    const blocks = [...readme.matchAll(/```js\n(.*?)```/gs)].map(([, code]) => code!)
    const everything = `import { ${[...methodNames, 'kmod', 'Kmod', 'isKmodError'].join(', ')} } from 'node-kmod'\n`
    const examples = [...publicSymbols.values()]
      .flatMap((symbol) => symbol.getJsDocTags(checker))
      .filter(({ name }) => name === 'example')
      .map(({ text }) => everything + ts.displayPartsToString(text).replace(/```(js)?/g, ''))
    expect(examples.length).toBeGreaterThan(5)
    const sources = Object.fromEntries(
      [...blocks, ...examples].map((code, i) => [`snippet-${i}.mts`, code]),
    )
    const given = 'declare const signal: AbortSignal; declare const error: unknown'
    const editor = new Editor({ ...sources, 'given.d.ts': given })
    for (const [file, code] of Object.entries(sources)) {
      expect({ code, problems: editor.problems(file) }).toEqual({ code, problems: [] })
    }
  })

  test('lists every option of plan and unload, with its default', async () => {
    const planned = publicType('PlanOptions').getProperties()
    const all = publicType('UnloadOptions').getProperties()
    expect(names(readme, 'option').sort()).toEqual(all.map(({ name }) => name).sort())
    const { options } = await plan(new SimulatedKernel(), [])
    const defaults = Object.entries(options).map(([name, value]) => [
      `\`${name}\``,
      `\`${JSON.stringify(value).replaceAll('"', "'")}\``,
    ])
    const table = rows(readme, 'option').slice(0, planned.length)
    expect(table.map(([name, value]) => [name, value]).sort()).toEqual(defaults.sort())
  })

  test('lists every error code, and so does the documentation of KmodErrorCode', () => {
    const codes = words(publicType('KmodErrorCode'))
    expect(names(readme, 'code').sort()).toEqual(codes)
    const text = documentationOf(publicSymbols.get('KmodErrorCode')!)
    const listed = [...text.matchAll(/^- `(ERR_KMOD_\w+)`:/gm)].map(([, code]) => code!)
    expect(listed.sort()).toEqual(codes)
  })

  test('lists every kind of user', () => {
    const kind = checker.getPropertyOfType(publicType('User'), 'kind')!
    expect(names(readme, 'kind').sort()).toEqual(words(checker.getTypeOfSymbol(kind)))
  })

  test('lists every kind of effect', () => {
    const listed = [...names(readme, 'critical'), ...names(readme, 'disruptive')]
    expect(listed.sort()).toEqual(words(publicType('EffectKind')))
  })
})

test.each([
  'README.md',
  'CONTRIBUTING.md',
  'CHANGELOG.md',
  'SECURITY.md',
  'docs/libkmod.md',
  'docs/guide/fleets.md',
])('the links of %s have existing targets', (file) => {
  const text = readFileSync(join(ROOT, file), 'utf8')
  const links = [...text.matchAll(/\]\(([^)]+)\)/g)].map(([, link]) => link!.replace(/\s+/g, ' '))
  const local = links.filter((link) => !/^https?:/.test(link))
  expect(local.filter((link) => !existsSync(join(ROOT, dirname(file), link)))).toEqual([])
})

describe('docs/libkmod.md', () => {
  const page = readFileSync(join(ROOT, 'docs/libkmod.md'), 'utf8')

  test('names the function of libkmod for each method', () => {
    const { program: users } = new Editor({ 'libkmod.mts': "export * from 'node-kmod/libkmod'" })
    const types = users.getTypeChecker()
    const entry = users.getSourceFile(join(ROOT, 'dist/libkmod/index.d.ts'))!
    const exports = types.getExportsOfModule(types.getSymbolAtLocation(entry)!)
    for (const name of ['Context', 'Module']) {
      const alias = exports.find((symbol) => symbol.name === name)!
      const members = types.getPropertiesOfType(
        types.getDeclaredTypeOfSymbol(types.getAliasedSymbol(alias)),
      )
      const methods = members.map((member) => member.name).filter((one) => /^\w+$/.test(one))
      const table = rows(page, `\`${name}\``)
      const described = table.flatMap(([cell]) => quoted(cell!).map((one) => one.split('(')[0]!))
      expect(described.filter((one) => one !== 'new Context').sort()).toEqual(methods.sort())
      expect(table.filter(([, cell]) => !/`kmod_\w+/.test(cell!))).toEqual([])
    }
  })

  test('its code type-checks', () => {
    const blocks = [...page.matchAll(/```js\n(.*?)```/gs)].map(([, code]) => code!)
    expect(blocks.length).toBeGreaterThan(0)
    const editor = new Editor(Object.fromEntries(blocks.map((code, i) => [`page-${i}.mts`, code])))
    expect(blocks.map((_, i) => editor.problems(`page-${i}.mts`))).toEqual(blocks.map(() => []))
  })
})

test('the pictures are those that npm run docs:pictures makes', () => {
  const folder = mkdtempSync(join(tmpdir(), 'kmod-pictures-'))
  try {
    execFileSync('npx', ['tsx', 'tools/pictures.ts', folder], { cwd: ROOT, stdio: 'pipe' })
    const names = readdirSync(folder)
    const kept = readdirSync(join(ROOT, 'docs')).filter((name) => name.endsWith('.svg'))
    expect(names.sort()).toEqual(kept.sort())
    for (const name of names) {
      const made = readFileSync(join(folder, name), 'utf8')
      expect({ name, isSame: made === readFileSync(join(ROOT, 'docs', name), 'utf8') }).toEqual({
        name,
        isSame: true,
      })
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})

describe('CONTRIBUTING', () => {
  test('names files and folders that exist', () => {
    const isPath = /^(lib|native|test|tools|scripts|bench|examples)\/[\w./-]*$/
    // A word in capitals is a placeholder.
    const paths = quoted(contributing).filter((one) => isPath.test(one) && !/[A-Z]{3}/.test(one))
    expect(paths.length).toBeGreaterThan(20)
    expect(paths.filter((path) => !existsSync(join(ROOT, path)))).toEqual([])
  })

  test.each(['lib', 'native'])('describes each folder of %s/, and no other', (folder) => {
    const entries = readdirSync(join(ROOT, folder), { withFileTypes: true })
    const rooms = entries.filter((one) => one.isDirectory()).map(({ name }) => `${name}/`)
    const described = names(contributing, `\`${folder}/\``).filter((one) => /^\w+\/$/.test(one))
    expect(described.sort()).toEqual(rooms.sort())
  })
})
