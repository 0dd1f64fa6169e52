/** The documentation: what an editor shows for the package, and whether the pages are complete. */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import ts from 'typescript'
import { plan } from '../../lib/plan/plan'
import { ROOT } from '../support/child'
import {
  anchor,
  headings,
  localLinks,
  names,
  PAGES,
  quoted,
  read,
  rows,
} from '../support/documents'
import { Editor } from '../support/editor'
import { SimulatedKernel } from '../../lib/testing/simulated-kernel'

jest.setTimeout(120_000)

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

  test('the examples of the documentation type-check', () => {
    const everything = `import { ${[...methodNames, 'kmod', 'Kmod', 'isKmodError'].join(', ')} } from 'node-kmod'\n`
    const examples = [...publicSymbols.values()]
      .flatMap((symbol) => symbol.getJsDocTags(checker))
      .filter(({ name }) => name === 'example')
      .map(({ text }) => everything + ts.displayPartsToString(text).replace(/```(js)?/g, ''))
    expect(examples.length).toBeGreaterThan(5)
    const given = { 'given.d.ts': 'declare const error: unknown' }
    const editor = new Editor({
      ...Object.fromEntries(examples.map((code, i) => [`example-${i}.mts`, code])),
      ...given,
    })
    const problems = examples.map((_, i) => editor.problems(`example-${i}.mts`))
    expect(problems).toEqual(examples.map(() => []))
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

describe('the guide', () => {
  const guide = (page: string): string => read(`docs/guide/${page}.md`)

  test('lists every option of plan and unload, with its default', async () => {
    const planned = publicType('PlanOptions').getProperties()
    const all = publicType('UnloadOptions').getProperties()
    const listed = [...names(guide('planning'), 'option'), ...names(guide('unloading'), 'option')]
    expect(listed.sort()).toEqual(all.map(({ name }) => name).sort())
    const { options } = await plan(new SimulatedKernel(), [])
    const defaults = Object.entries(options).map(([name, value]) => [
      `\`${name}\``,
      `\`${JSON.stringify(value).replaceAll('"', "'")}\``,
    ])
    const table = rows(guide('planning'), 'option')
    expect(table).toHaveLength(planned.length)
    expect(table.map(([name, value]) => [name, value]).sort()).toEqual(defaults.sort())
  })

  test('lists and explains every error code, and so does the documentation of KmodErrorCode', () => {
    const codes = words(publicType('KmodErrorCode'))
    const errors = guide('errors')
    expect(names(errors, 'code').sort()).toEqual(codes)
    expect(
      headings(errors)
        .filter((one) => one.startsWith('ERR_'))
        .sort(),
    ).toEqual(codes)
    const text = documentationOf(publicSymbols.get('KmodErrorCode')!)
    const listed = [...text.matchAll(/^- `(ERR_KMOD_\w+)`:/gm)].map(([, code]) => code!)
    expect(listed.sort()).toEqual(codes)
  })

  test('lists every kind of user', () => {
    const kind = checker.getPropertyOfType(publicType('User'), 'kind')!
    expect(names(guide('why-busy'), 'kind').sort()).toEqual(words(checker.getTypeOfSymbol(kind)))
  })

  test('lists every kind of user that can be released', () => {
    expect(names(guide('clearing-the-way'), 'release').sort()).toEqual(
      words(publicType('ReleaseKind')),
    )
  })

  test('lists every kind of effect', () => {
    const page = guide('planning')
    const listed = [...names(page, 'critical'), ...names(page, 'disruptive')]
    expect(listed.sort()).toEqual(words(publicType('EffectKind')))
  })

  test('lists exit statuses for codes that exist, each once', () => {
    const statuses = rows(guide('command-line'), 'exit status').flatMap(([, cell]) => quoted(cell!))
    const codes = statuses.filter((one) => /^[A-Z_]+$/.test(one)).map((one) => `ERR_KMOD_${one}`)
    expect(codes.filter((code, i) => codes.indexOf(code) !== i)).toEqual([])
    // Of node-kmod/vm.
    const known = [...words(publicType('KmodErrorCode')), 'ERR_KMOD_VM']
    expect(codes.filter((code) => !known.includes(code))).toEqual([])
  })

  test('has an index of all its pages', () => {
    const pages = readdirSync(join(ROOT, 'docs/guide')).map((name) => `guide/${name}`)
    const index = read('docs/guide.md')
    expect(localLinks(index)).toEqual(expect.arrayContaining(pages))
    const [, frontmatter] = index.split('---')
    const listed = [...frontmatter!.matchAll(/: \.\/(\S+)$/gm)].map(([, name]) => name!)
    expect(listed.sort()).toEqual(pages.sort())
  })
})

test.each(PAGES)('the links of %s have existing targets', (page) => {
  const broken = localLinks(read(page)).filter((link) => {
    const [path, fragment] = link.split('#') as [string, string?]
    const target = path === '' ? page : join(dirname(page), path)
    if (!existsSync(join(ROOT, target))) return true
    return fragment !== undefined && !headings(read(target)).map(anchor).includes(fragment)
  })
  expect(broken).toEqual([])
})

describe('docs/libkmod.md', () => {
  const page = read('docs/libkmod.md')

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
  const contributing = read('CONTRIBUTING.md')

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
