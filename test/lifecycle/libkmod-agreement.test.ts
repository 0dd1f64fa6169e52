/**
 * node-kmod/libkmod agrees with Debian's tools about real modules, with libkmod of this system, of
 * Debian 11 (28) and of Debian 13 (34). The tools are always those of the same release.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { prepareKernel } from '../../lib/vm/kernels'
import { Programs } from '../../lib/vm/programs'
import { ROOT } from '../support/child'
import {
  asPrinted,
  copyTree,
  everyNth,
  lines,
  moduleOf,
  parseModinfo,
  type Printed,
} from '../support/kmod-tools'
import {
  HOST_USERLAND,
  prepareUserland,
  USERLANDS,
  type Command,
  type Userland,
} from '../support/userland'

jest.setTimeout(300_000)

/** With the sanitizers fewer, because they make each call slower. */
const SAMPLE = process.env.KMOD_SANITIZED ? 50 : 200
const CONFIG = `# every keyword of modprobe.d
alias kmod-test-alias dummy
blacklist pcspkr
options dummy numdummies=3
options snd-hda-intel model=auto power_save=0
install kmod_test_install /bin/true
remove kmod_test_remove /bin/false $CMDLINE_OPTS
softdep dummy pre: loop
softdep loop post: dummy
`

/** What the script below prints about one module. */
interface Described {
  name: string
  path: string | null
  info: { key: string; value: string }[]
  versions: string[]
  symbols: string[]
  needed: { symbol: string; crc: string; bind: string }[]
  dependencies: (string | null)[]
}

interface Answers {
  library: string
  modules: Described[]
  builtins: { name: string; state: string | null; info: { key: string; value: string }[] }[]
  lookups: Record<string, string[]>
  byName: (string | null)[] | string
  softdeps: Record<'pre' | 'post', string[]>
  weakdeps: string[] | string
  config: Record<string, [string, string][]>
  indexes: Record<string, string>
}

const SCRIPT = `
const { Context } = require('node-kmod/libkmod')
const { readFileSync } = require('fs')
const { directory, config, names, builtins, aliases, output } = JSON.parse(readFileSync(0, 'utf8'))
const hex = (crc) => '0x' + crc.toString(16).padStart(8, '0')
const line = ({ symbol, crc }) => hex(crc) + '\\t' + symbol
const namesOf = (modules) => modules.map(({ name }) => name)
const codeOf = ({ code }) => code
;(async () => {
  const context = new Context({ directory, configPaths: [config] })
  await context.loadResources()
  const describe = async (name) => {
    const module = await context.moduleFromName(name)
    const [path, info, versions, symbols, needed, dependencies] = await Promise.all([module.path(),
      module.info(), module.versions(), module.symbols(), module.dependencySymbols(), module.dependencies()])
    return { name: module.name, path, info, versions: versions.map(line), symbols: symbols.map(line),
      needed: needed.map(({ symbol, crc, bind }) => ({ symbol, crc: hex(crc), bind })),
      dependencies: await Promise.all(dependencies.map((one) => one.path())) }
  }
  const describeBuiltin = async (name) => {
    const module = await context.moduleFromName(name)
    return { name: module.name, state: await module.initState(), info: await module.info() }
  }
  const lookups = {}
  for (const alias of aliases) lookups[alias] = namesOf(await context.modulesFromLookup(alias))
  const dummy = await context.moduleFromName('dummy')
  const loop = await context.moduleFromName('loop')
  const indexes = {}
  for (const index of ['dep', 'alias', 'symbol', 'builtin']) indexes[index] = await context.dumpIndex(index)
  const answers = {
    library: readFileSync('/proc/self/maps', 'utf8').match(/\\S*libkmod\\.so\\S*/)[0],
    modules: await Promise.all(names.map(describe)),
    builtins: await Promise.all(builtins.map(describeBuiltin)),
    lookups,
    byName: await Promise.all(['dummy', 'kmod_test_alias'].map(async (name) =>
      (await context.moduleFromNameLookup(name))?.name ?? null)).catch(codeOf),
    softdeps: { pre: namesOf((await dummy.softDependencies()).pre),
      post: namesOf((await loop.softDependencies()).post) },
    weakdeps: await dummy.weakDependencies().then(namesOf, codeOf),
    config: await context.config(),
    indexes,
  }
  context.close()
  require('fs').writeFileSync(output, JSON.stringify(answers))
})()`

const environment = Object.fromEntries(
  // The tools are not built with the sanitizers with which the addon may be.
  Object.entries(process.env).filter(([name]) => name !== 'LD_PRELOAD'),
)

function run({ file, args, env }: Command, sanitized = false, input?: string): string {
  return execFileSync(file, args, {
    cwd: ROOT,
    env: { ...(sanitized ? process.env : environment), ...env },
    encoding: 'utf8',
    maxBuffer: 256 * 1024 * 1024,
    input,
    stdio: ['pipe', 'pipe', 'pipe'],
  })
}

describe.each(['this system', ...USERLANDS] as const)('with libkmod of %s', (system) => {
  let userland: Userland
  let root: string
  let config: string
  let directory: string
  let release: string
  let answers: Answers
  let modinfo: Map<string, Printed>
  let dryRun: string[]
  let aliases: string[]
  const tool = (name: string, ...args: string[]): string => run(userland.tool(name, args))
  const modprobe = (...args: string[]): string =>
    tool('modprobe', '-d', root, '-S', release, '-C', config, ...args)

  beforeAll(async () => {
    userland = system === 'this system' ? HOST_USERLAND : await prepareUserland(system)
    const kernel = await prepareKernel('6.12', new Programs())
    release = kernel.release
    root = mkdtempSync(join(tmpdir(), 'kmod-agreement-'))
    const from = join(kernel.root, 'lib/modules', release)
    const all = lines(readFileSync(join(from, 'modules.dep'), 'utf8')).map(
      (line) => line.split(':')[0]!,
    )
    const needed = all.filter((file) => ['dummy', 'loop'].includes(moduleOf(file)))
    const files = [...new Set([...needed, ...everyNth(all, SAMPLE)])].slice(0, SAMPLE)
    directory = copyTree(files, release, from, root)
    config = join(root, 'test.conf')
    writeFileSync(config, CONFIG)
    tool('depmod', '-b', root, release)
    // modprobe --show-depends would also print soft dependencies, which are compared separately.
    rmSync(join(directory, 'modules.softdep'), { force: true })
    dryRun = lines(tool('depmod', '-n', '-b', root, release))

    modinfo = parseModinfo(
      tool('modinfo', '-0', '-b', root, '-k', release, ...files.map(moduleOf)),
      /^filename: *(\S.*)$/,
    )
    aliases = everyNth(
      [...modinfo.values()]
        .flatMap(({ fields }) => fields)
        .filter((field) => field.startsWith('alias=') && !/[*?[]/.test(field))
        .map((field) => field.slice('alias='.length)),
      40,
    )
    const builtins = everyNth(
      lines(readFileSync(join(directory, 'modules.builtin'), 'utf8')).map(moduleOf),
      20,
    )
    const output = join(root, 'answers.json')
    const input = {
      directory,
      config,
      names: files.map(moduleOf),
      builtins,
      aliases: [...aliases, 'kmod-test-alias', 'kmod-no-such'],
      output,
    }
    run(userland.command(process.execPath, ['-e', SCRIPT]), true, JSON.stringify(input))
    answers = JSON.parse(readFileSync(output, 'utf8')) as Answers
  })
  afterAll(() => rmSync(root, { recursive: true, force: true }))

  test('the library is the one that is meant', () => {
    const folder = system === 'this system' ? '/usr/lib' : system.replace(' ', '-')
    expect(answers.library).toContain(folder)
    expect(answers.modules).toHaveLength(SAMPLE)
  })

  test('docs/libkmod.md says of each function of the library what stands for it', () => {
    const table = run({ file: 'nm', args: ['-D', '--defined-only', answers.library], env: {} })
    const functions = [...table.matchAll(/ T (kmod_\w+)/g)].map(([, name]) => name!)
    expect(functions.length).toBeGreaterThan(60)
    const page = readFileSync(join(ROOT, 'docs/libkmod.md'), 'utf8')
    const named = [...page.matchAll(/`([\w*]+)`/g)].map(
      ([, name]) => new RegExp(`^${name!.replaceAll('*', '\\w*')}$`),
    )
    expect(functions.filter((name) => !named.some((one) => one.test(name)))).toEqual([])
  })

  test('info() has the fields of modinfo', () => {
    expect(modinfo.size).toBe(SAMPLE)
    for (const { path, info } of answers.modules)
      expect(asPrinted(info)).toEqual(modinfo.get(path!))
  })

  test('info() and initState() of built-ins', () => {
    expect(answers.builtins).toHaveLength(20)
    for (const { name, state, info } of answers.builtins) {
      const text = tool('modinfo', '-0', '-b', root, '-k', release, name)
      expect(state).toBe('builtin')
      expect(asPrinted(info)).toEqual(parseModinfo(text, /^name: *(\S.*)$/).get(name))
    }
  })

  test('versions() prints what modprobe --dump-modversions prints', () => {
    for (const { path, versions } of answers.modules) {
      expect(versions).toEqual(lines(tool('modprobe', '--dump-modversions', path!)))
    }
  })

  test('dependencies() is what modprobe --show-depends inserts first', () => {
    // Their soft dependencies, which are in CONFIG, would be shown too.
    const modules = answers.modules.filter(({ name }) => name !== 'dummy' && name !== 'loop')
    const names = modules.map(({ name }) => name)
    const shown = lines(modprobe('--ignore-install', '--show-depends', '--all', ...names))
      .filter((line) => line.startsWith('insmod '))
      .map((line) => line.split(' ')[1])
    expect(modules.flatMap(({ dependencies, path }) => [...dependencies, path])).toEqual(shown)
    expect(modules.some(({ dependencies }) => dependencies.length > 5)).toBe(true)
  })

  test('symbols() has the symbols that depmod found', () => {
    const exported = new Map<string, string[]>()
    for (const line of dryRun) {
      const [, symbol, module] = /^alias symbol:(\S+) (\S+)$/.exec(line) ?? []
      if (module !== undefined) exported.set(module, [...(exported.get(module) ?? []), symbol!])
    }
    expect(exported.size).toBeGreaterThan(10)
    for (const { name, symbols } of answers.modules) {
      const found = symbols.map((line) => line.split('\t')[1]!)
      expect(found.sort()).toEqual((exported.get(name) ?? []).sort())
    }
  })

  test('dependencySymbols() has the undefined symbols of the file', () => {
    for (const { path, needed, versions } of everyNth(answers.modules, 20)) {
      const file = join(root, 'unpacked.ko')
      writeFileSync(
        file,
        execFileSync('xz', ['-dc', path!], { env: environment, maxBuffer: 64 * 1024 * 1024 }),
      )
      // The kernel also checks the versions of symbols that only its loader uses, such as module_layout.
      const versioned = versions.map((line) => ({
        symbol: line.split('\t')[1]!,
        bind: 'undefined',
      }))
      const named = lines(run({ file: 'nm', args: ['-u', '-P', file], env: {} })).map((line) => {
        const [symbol, kind] = line.split(' ')
        return { symbol, bind: kind === 'w' ? 'weak' : 'undefined' }
      })
      const known = new Set(named.map(({ symbol }) => symbol))
      const undefinedSymbols = [...named, ...versioned.filter(({ symbol }) => !known.has(symbol))]
      const crcs = new Map(versions.map((line) => [line.split('\t')[1], line.split('\t')[0]]))
      const bySymbol = (one: { symbol?: string }, other: { symbol?: string }): number =>
        one.symbol! < other.symbol! ? -1 : 1
      expect(needed.map(({ symbol, bind }) => ({ symbol, bind })).sort(bySymbol)).toEqual(
        undefinedSymbols.sort(bySymbol),
      )
      for (const { symbol, crc } of needed) {
        if (crcs.has(symbol)) expect(crc).toBe(crcs.get(symbol))
      }
    }
  })

  test('modulesFromLookup() finds what modprobe -R finds', () => {
    expect(aliases.length).toBeGreaterThanOrEqual(20)
    for (const alias of [...aliases, 'kmod-test-alias']) {
      expect(answers.lookups[alias]).toEqual(lines(modprobe('-R', alias)))
    }
    expect(answers.lookups['kmod-no-such']).toEqual([])
  })

  test('config() has the lines of modprobe -c', () => {
    const [before = ''] = modprobe('-c').split('\n# End of configuration files')
    const KEYWORDS = [
      ['blacklist', 'blacklists'],
      ['install', 'installCommands'],
      ['remove', 'removeCommands'],
      ['alias', 'aliases'],
      ['options', 'options'],
      ['softdep', 'softdeps'],
      ['weakdep', 'weakdeps'],
    ] as const
    const printed = KEYWORDS.flatMap(([keyword, list]) =>
      answers.config[list]!.map(([key, value]) => `${keyword} ${key} ${value}`.trimEnd()),
    )
    expect(printed).toEqual(
      lines(before)
        .map((line) => line.trimEnd())
        .filter((line) => !line.startsWith('#')),
    )
    expect(printed).toContain('options snd_hda_intel model=auto power_save=0')
    expect(answers.softdeps).toEqual({ pre: ['loop'], post: ['dummy'] })
  })

  test('dumpIndex() has the entries that depmod -n prints', () => {
    const printed = (pattern: RegExp): string[] =>
      dryRun.filter((line) => pattern.test(line)).map((line) => line.replaceAll('-', '_'))
    const dumped = (index: string): string[] =>
      lines(answers.indexes[index]!).map((line) => line.replaceAll('-', '_'))
    const dependencies = dryRun.filter((line) => /^kernel\/\S+:/.test(line))
    expect(dependencies.length).toBeGreaterThan(SAMPLE)
    expect(
      dumped('dep')
        .map((line) => line.slice(line.indexOf(' ') + 1))
        .sort(),
    ).toEqual(dependencies.map((line) => line.replaceAll('-', '_')).sort())
    expect(new Set(dumped('symbol'))).toEqual(new Set(printed(/^alias symbol:/)))
    expect(new Set(dumped('alias'))).toEqual(new Set(printed(/^alias (?!symbol:)/)))
    const builtins = lines(readFileSync(join(directory, 'modules.builtin'), 'utf8')).map(moduleOf)
    expect(
      dumped('builtin')
        .map((line) => line.trimEnd())
        .sort(),
    ).toEqual(builtins.sort())
  })

  test('functions that this libkmod lacks are ERR_KMOD_UNSUPPORTED', () => {
    const unsupported = 'ERR_KMOD_UNSUPPORTED'
    expect(answers.byName).toEqual(system === 'Debian 11' ? unsupported : ['dummy', null])
    expect(answers.weakdeps).toEqual(system === 'Debian 13' ? [] : unsupported)
    expect(existsSync(directory)).toBe(true)
  })
})
