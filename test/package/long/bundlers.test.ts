/** Programs that are bundled or packed, with the package in them. docs/bundlers.md says what each needs. */
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { basename, join } from 'node:path'
import { ROOT } from '../../support/child'
import { installedProgram, run, temporaryFolder } from '../tarball'

jest.setTimeout(240_000)

const folder = temporaryFolder('bundlers')
/** The program, with the package in its node_modules. */
let user: string
/** A folder in which a bundle finds no package. */
let alone: string
let prebuilds: string

/** Prints `true` if the addon, the helper and libkmod work; else what the problems are. */
const PROGRAM = `
kmod.preflight().then(({ libkmod, problems }) =>
  console.log(libkmod !== null ? true : problems.map(({ message }) => message).join(' ')))`

beforeAll(() => {
  user = installedProgram(folder)
  alone = join(folder, 'alone')
  prebuilds = join(user, 'node_modules/node-kmod/prebuilds')
  writeFileSync(join(user, 'main.mjs'), `import { kmod } from 'node-kmod'${PROGRAM}`)
  writeFileSync(join(user, 'main.cjs'), `const { kmod } = require('node-kmod')${PROGRAM}`)
})

beforeEach(() => {
  rmSync(alone, { recursive: true, force: true })
  mkdirSync(alone)
})

const tool = (path: string, args: string[]): string =>
  run(process.execPath, [join(ROOT, 'node_modules', path), ...args], user)
const answer = (file: string): string => run(process.execPath, [file], folder).trim()

/** A script of Node.js, because the tools have no command line for it. */
const script = (text: string): string => run(process.execPath, ['-e', text], ROOT)

interface Bundler {
  name: string
  /** Relative to the program. */
  bundle: string
  make: (bundle: string) => void
}

const esbuild = (entry: string, bundle: string, more: string[] = []): string =>
  run(
    join(ROOT, 'node_modules/.bin/esbuild'),
    [entry, '--bundle', '--platform=node', `--outfile=${bundle}`, ...more],
    user,
  )

const BUNDLERS: Bundler[] = [
  { name: 'esbuild', bundle: 'esbuild/out.cjs', make: (bundle) => esbuild('main.mjs', bundle) },
  {
    name: 'esbuild, ES modules',
    bundle: 'esbuild-esm/out.mjs',
    make: (bundle) =>
      esbuild('main.mjs', bundle, [
        '--format=esm',
        `--banner:js=import { createRequire } from 'node:module'; const require = createRequire(import.meta.url)`,
      ]),
  },
  {
    name: 'webpack',
    bundle: 'webpack/out.cjs',
    make: (bundle) =>
      script(`
        const webpack = require('webpack')
        const [path, filename] = ['${join(user, 'webpack')}', '${basename(bundle)}']
        webpack({ context: '${user}', entry: './main.mjs', target: 'node', mode: 'production', output: { path, filename } },
          (error, stats) => {
            if (error || stats.hasErrors()) throw error ?? new Error(stats.toString())
          })`),
  },
  {
    name: 'rollup',
    bundle: 'rollup/out.mjs',
    make: (bundle) =>
      script(`
        const { rollup } = require('rollup')
        const plugins = [
          require('@rollup/plugin-node-resolve').default(),
          require('@rollup/plugin-commonjs').default(),
        ]
        rollup({ input: '${join(user, 'main.mjs')}', plugins })
          .then((bundle) => bundle.write({ file: '${join(user, bundle)}', format: 'es' }))`),
  },
  {
    name: 'ncc',
    bundle: 'ncc/index.cjs',
    make: () => tool('@vercel/ncc/dist/ncc/cli.js', ['build', 'main.cjs', '--out', 'ncc']),
  },
]

describe.each(BUNDLERS)('$name', ({ bundle, make }) => {
  beforeAll(() => make(bundle))
  const file = (): string => join(user, bundle)
  const aloneFile = (): string => join(alone, basename(bundle))

  test('needs nothing where the package is installed', () => {
    expect(answer(file())).toBe('true')
  })

  test('needs the folder prebuilds beside the bundle elsewhere', () => {
    copyFileSync(file(), aloneFile())
    cpSync(prebuilds, join(alone, 'prebuilds'), { recursive: true })
    expect(answer(aloneFile())).toBe('true')
  })

  test('is told by the error what is missing', () => {
    copyFileSync(file(), aloneFile())
    const message = answer(aloneFile())
    expect(message).toContain(`copy the folder node_modules/node-kmod/prebuilds to ${alone}`)
    expect(message).toContain('docs/bundlers.md')
  })

  test('is told by the error that the helper is missing', () => {
    copyFileSync(file(), aloneFile())
    cpSync(prebuilds, join(alone, 'prebuilds'), {
      recursive: true,
      filter: (path) => !path.endsWith('kmod-helper'),
    })
    expect(answer(aloneFile())).toContain('Copy the whole folder prebuilds')
  })
})

test('a single executable of Node.js needs the folder prebuilds beside it', () => {
  esbuild('main.mjs', 'sea/main.cjs')
  const config = { main: 'main.cjs', output: 'blob', disableExperimentalSEAWarning: true }
  writeFileSync(join(user, 'sea/config.json'), JSON.stringify(config))
  run(process.execPath, ['--experimental-sea-config', 'config.json'], join(user, 'sea'))
  const program = join(alone, 'program')
  copyFileSync(process.execPath, program)
  chmodSync(program, 0o755)
  tool('postject/dist/cli.js', [
    ...[program, 'NODE_SEA_BLOB', 'sea/blob'],
    ...['--sentinel-fuse', 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2'],
  ])
  expect(run(program, [], folder).trim()).toContain(`prebuilds to ${alone}`)
  cpSync(prebuilds, join(alone, 'prebuilds'), { recursive: true })
  expect(run(program, [], folder).trim()).toBe('true')
})

test('an archive of Electron needs the folder prebuilds unpacked', () => {
  const app = join(alone, 'app')
  cpSync(user, app, { recursive: true, filter: (path) => !path.endsWith('/sea') })
  tool('@electron/asar/bin/asar.js', [
    ...['pack', app, join(alone, 'app.asar'), '--unpack-dir', '**/prebuilds/*'],
  ])
  const helper = 'node_modules/node-kmod/prebuilds/kmod-linux-x64/kmod-helper'
  expect(existsSync(join(alone, 'app.asar.unpacked', helper))).toBe(true)
  // Electron shows the archive to JavaScript as this folder, but the system sees only a file.
  rmSync(app, { recursive: true })
  tool('@electron/asar/bin/asar.js', ['extract', join(alone, 'app.asar'), app])
  rmSync(join(alone, 'app.asar'))
  renameSync(app, join(alone, 'app.asar'))
  rmSync(join(alone, 'app.asar', helper))
  expect(answer(join(alone, 'app.asar/main.cjs'))).toBe('true')
  rmSync(join(alone, 'app.asar.unpacked'), { recursive: true })
  expect(answer(join(alone, 'app.asar/main.cjs'))).toContain('asarUnpack "**/prebuilds/**"')
})
