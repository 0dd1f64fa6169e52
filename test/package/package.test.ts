/** The package as users get it: packed, installed elsewhere, required, imported, type-checked. */
import { cpSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { ROOT } from '../support/child'
import { installedProgram, run, tarball, temporaryFolder } from './tarball'

jest.setTimeout(240_000)

const folder = temporaryFolder('package')
let user: string
let installed: string

beforeAll(() => {
  user = installedProgram(folder)
  installed = join(user, 'node_modules', 'node-kmod')
})

const inUser = (command: string, args: string[]): string => run(command, args, user)

test('the package contains what is needed to run it and to build it, and no tests', () => {
  const files = readdirSync(installed, { recursive: true }) as string[]
  expect(files).toEqual(
    expect.arrayContaining([
      ...['dist/index.js', 'dist/index.d.ts', 'LICENSE', 'README.md', 'SECURITY.md'],
      ...['dist/cli/main.js', 'dist/node-kmod.1'],
      ...['CHANGELOG.md', 'examples/walk.mjs', 'docs/libkmod.md', 'docs/bundlers.md'],
      ...['native/addon.cc', 'native/binding.gyp', 'native/sources.json', 'scripts/build.js'],
      ...['prebuilds/kmod-linux-x64/kmod-helper', 'prebuilds/kmod-linux-arm64/kmod-helper'],
    ]),
  )
  expect(files.filter((file) => /^(test|bench|tools|native\/test|\.ci)/.test(file))).toEqual([])
  // A source map leads to sources that the package does not have.
  expect(files.filter((file) => file.endsWith('.map'))).toEqual([])
  expect(statSync(tarball()).size).toBeLessThan(3_000_000)
})

test('no package manager finds something to run when it installs the package', () => {
  const { scripts } = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>
  }
  const lifecycle = ['preinstall', 'install', 'postinstall', 'prepare', 'prepublish', 'preprepare']
  expect(lifecycle.filter((name) => name in scripts)).toEqual([])
  expect(existsSync(join(installed, 'binding.gyp'))).toBe(false)
})

test('each file that the documents of the package link to is in the package', () => {
  const documents = (readdirSync(installed, { recursive: true }) as string[]).filter(
    (file) => file.endsWith('.md') && !file.includes('node_modules'),
  )
  const missing = documents.flatMap((file) =>
    [...readFileSync(join(installed, file), 'utf8').matchAll(/\]\((?!https?:|#)([^)#]+)/g)]
      .map(([, target]) => join(dirname(file), target!))
      .filter((target) => !existsSync(join(installed, target))),
  )
  const onlyInRepository = ['CONTRIBUTING.md', 'ansible/README.md']
  expect(missing.filter((target) => !onlyInRepository.includes(target))).toEqual([])
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
    join(user, 'esm.mjs'),
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
    join(user, 'libkmod.mjs'),
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
  cpSync(join(ROOT, 'node_modules/@viz-js'), join(user, 'node_modules/@viz-js'), {
    recursive: true,
  })
  expect(inUser(process.execPath, ['-e', draw])).toBe('true\n<svg\n')
  writeFileSync(
    join(user, 'picture.mjs'),
    `import { toHtml } from 'node-kmod/graph'
     console.log((await toHtml({ nodes: [], edges: [] })).startsWith('<!doctype html>'))`,
  )
  expect(inUser(process.execPath, ['picture.mjs'])).toBe('true\n')
})

test('the command line is installed with the package, and requiring the package does not load it', () => {
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
    version: string
  }
  const command = join(user, 'node_modules/.bin/node-kmod')
  expect(inUser(command, ['--version'])).toBe(`${version}\n`)
  expect(JSON.parse(inUser(command, ['preflight', '--json']))).toHaveProperty('canUnload')
  const loaded = inUser(process.execPath, [
    '-p',
    'require("node-kmod"); Object.keys(require.cache).filter((file) => /commander|dist.(cli|testing|vm)/.test(file))',
  ])
  expect(loaded).toBe('[]\n')
})

test('node-kmod/testing and node-kmod/vm can be required and imported', () => {
  const required = `const { simulate } = require('node-kmod/testing')
    const { runInVm, KmodError } = require('node-kmod/vm')
    console.log(KmodError === require('node-kmod').KmodError, typeof runInVm)
    simulate({ modules: [{ name: 'tun' }] }).unload('tun').then(({ removed }) => console.log(removed))`
  expect(inUser(process.execPath, ['-e', required])).toBe("true function\n[ 'tun' ]\n")
  writeFileSync(
    join(user, 'testing.mjs'),
    `import { simulate } from 'node-kmod/testing'
     import { runInVm } from 'node-kmod/vm'
     console.log((await simulate({ modules: [] }).list()).length, typeof runInVm)`,
  )
  expect(inUser(process.execPath, ['testing.mjs'])).toBe('0 function\n')
})

test('the types compile under strict settings', () => {
  const programs = readdirSync(join(ROOT, 'test/types'))
  for (const program of programs) {
    writeFileSync(join(user, program), readFileSync(join(ROOT, 'test/types', program)))
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
  run('npx', ['publint', 'run', '--strict', tarball()], ROOT)
  // Not the resolution of Node.js 10, which knows no subpaths of a package.
  run('npx', ['attw', tarball(), '--format', 'ascii', '--profile', 'node16'], ROOT)
})
