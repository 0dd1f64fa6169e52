/** The package as users get it: packed, installed elsewhere, required, imported, type-checked. */
import { execFileSync } from 'node:child_process'
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ROOT } from '../support/child'

jest.setTimeout(240_000)

let folder: string
const run = (command: string, args: string[], cwd = folder): string =>
  execFileSync(command, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'kmod-package-'))
  const packed = JSON.parse(
    run('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder], ROOT),
  ) as { filename: string }[] | Record<string, { filename: string }>
  const { filename } = Object.values(packed)[0]!
  mkdirSync(join(folder, 'user'))
  writeFileSync(join(folder, 'user', 'package.json'), '{ "name": "user", "private": true }')
  // The install script runs, and builds the addon.
  run('npm', ['install', '--no-audit', '--no-fund', join(folder, filename)], join(folder, 'user'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const inUser = (command: string, args: string[]): string => run(command, args, join(folder, 'user'))

test('the package contains what is needed to build and run it, and no tests', () => {
  const files = readdirSync(join(folder, 'user/node_modules/node-kmod'), {
    recursive: true,
  }) as string[]
  for (const file of [
    'dist/index.js',
    'dist/index.d.ts',
    'dist/cli/main.js',
    'dist/node-kmod.1',
    'binding.gyp',
    'native/addon.cc',
    'LICENSE',
    'README.md',
  ]) {
    expect(files).toContain(file)
  }
  expect(files.filter((file) => /^(test|bench|examples|native\/test|\.ci)/.test(file))).toEqual([])
})

test('the install script builds the addon and the helper', () => {
  const built = readdirSync(join(folder, 'user/node_modules/node-kmod/build/Release'))
  expect(built).toEqual(expect.arrayContaining(['kmod.node', 'kmod-helper']))
})

test('the package can be required and imported, and exports all its names', () => {
  const { exports } = JSON.parse(
    inUser(process.execPath, [
      '-p',
      'JSON.stringify({ exports: Object.keys(require("node-kmod")) })',
    ]),
  ) as { exports: string[] }
  expect(exports).toEqual(
    expect.arrayContaining([
      ...['kmod', 'Kmod', 'KmodError', 'isKmodError', 'list', 'remove', 'load'],
      ...['plan', 'formatPlan', 'unload', 'explain', 'impact'],
    ]),
  )
  writeFileSync(
    join(folder, 'user', 'esm.mjs'),
    `import * as all from 'node-kmod'
     import { ${exports.join(', ')} } from 'node-kmod'
     console.log(Object.keys(all).length >= ${exports.length}, kmod instanceof Kmod)
     console.log((await preflight()).canUnload !== undefined)`,
  )
  expect(inUser(process.execPath, ['esm.mjs'])).toBe('true true\ntrue\n')
})

test('node-kmod/libkmod can be required and imported', () => {
  const required = `const { Context, Module, KmodError } = require('node-kmod/libkmod')
    new Context().moduleFromName('dummy').then((module) =>
      console.log(module instanceof Module, KmodError === require('node-kmod').KmodError))`
  expect(inUser(process.execPath, ['-e', required])).toBe('true true\n')
  writeFileSync(
    join(folder, 'user', 'libkmod.mjs'),
    `import { Context } from 'node-kmod/libkmod'
     const context = new Context({ directory: '/', configPaths: [] })
     console.log((await context.moduleFromName('x-y')).name)
     context.close()`,
  )
  expect(inUser(process.execPath, ['libkmod.mjs'])).toBe('x_y\n')
})

test('node-kmod/graph says which package is missing, and draws with it', () => {
  const draw = `const { toDot, toSvg } = require('node-kmod/graph')
    const graph = { nodes: [{ id: 'tun', kind: 'module', label: 'tun' }], edges: [] }
    console.log(toDot(graph).startsWith('digraph'))
    toSvg(graph).then((svg) => console.log(svg.slice(0, 4)), ({ code, message }) => console.log(code, message))`
  const missing = inUser(process.execPath, ['-e', draw])
  expect(missing).toMatch(/^true\nERR_KMOD_UNSUPPORTED .*npm install @viz-js\/viz/)
  cpSync(join(ROOT, 'node_modules/@viz-js'), join(folder, 'user/node_modules/@viz-js'), {
    recursive: true,
  })
  expect(inUser(process.execPath, ['-e', draw])).toBe('true\n<svg\n')
  writeFileSync(
    join(folder, 'user', 'picture.mjs'),
    `import { toHtml } from 'node-kmod/graph'
     console.log((await toHtml({ nodes: [], edges: [] })).startsWith('<!doctype html>'))`,
  )
  expect(inUser(process.execPath, ['picture.mjs'])).toBe('true\n')
})

test('the command line is installed with the package, and requiring the package does not load it', () => {
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
    version: string
  }
  const command = join(folder, 'user/node_modules/.bin/node-kmod')
  expect(inUser(command, ['--version'])).toBe(`${version}\n`)
  expect(JSON.parse(inUser(command, ['preflight', '--json']))).toHaveProperty('canUnload')
  const loaded = inUser(process.execPath, [
    '-p',
    'require("node-kmod"); Object.keys(require.cache).filter((file) => /commander|cli/.test(file))',
  ])
  expect(loaded).toBe('[]\n')
})

test('the types compile under strict settings', () => {
  const programs = readdirSync(join(ROOT, 'test/types'))
  for (const program of programs) {
    writeFileSync(join(folder, 'user', program), readFileSync(join(ROOT, 'test/types', program)))
  }
  const tsc = join(ROOT, 'node_modules/typescript/bin/tsc')
  const options = [
    '--noEmit',
    '--strict',
    '--exactOptionalPropertyTypes',
    '--skipLibCheck',
    'false',
  ]
  const types = ['--typeRoots', join(ROOT, 'node_modules/@types'), '--types', 'node']
  for (const module of [
    ['--module', 'node16'],
    ['--module', 'esnext', '--moduleResolution', 'bundler'],
  ]) {
    inUser(process.execPath, [
      tsc,
      ...options,
      ...types,
      '--target',
      'es2022',
      ...module,
      ...programs,
    ])
  }
})

test('publint and attw find no problem', () => {
  run('npx', ['publint', '--strict'], ROOT)
  // Not the resolution of Node.js 10, which knows no subpaths of a package.
  run('npx', ['attw', '--pack', '.', '--format', 'ascii', '--profile', 'node16'], ROOT)
})
