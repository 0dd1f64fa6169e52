/** Installing the package: no question, no compiler, and the first call works. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT } from '../support/child'
import { emptyProgram, FIRST_CALL, run, tarball, temporaryFolder, withoutCompiler } from './tarball'

jest.setTimeout(240_000)

const folder = temporaryFolder('install')
let env: NodeJS.ProcessEnv

beforeAll(() => {
  const registry = run('npm', ['config', 'get', 'registry'], folder).trim()
  env = {
    ...withoutCompiler(folder),
    // Yarn has another registry by default, and version 4 does not read .npmrc.
    YARN_REGISTRY: registry,
    YARN_NPM_REGISTRY_SERVER: registry,
    YARN_ENABLE_TELEMETRY: '0',
    // For `import`; by default only in a project that has an ES module.
    YARN_PNP_ENABLE_ESM_LOADER: '1',
    // In a CI environment, Yarn 4 refuses to write a new lockfile.
    YARN_ENABLE_IMMUTABLE_INSTALLS: '0',
  }
})

const inModules = (path: string): string => join(ROOT, 'node_modules', path)
const npm = (): string => run('sh', ['-c', 'readlink -f "$(command -v npm)"'], ROOT).trim()

interface Manager {
  name: string
  /** The script of the package manager; run by Node.js. */
  script: () => string
  add: (tarball: string) => string[]
  /** The command before the arguments of Node.js, if `node` alone does not do. */
  node?: string[]
}

const MANAGERS: Manager[] = [
  { name: 'npm', script: npm, add: (file) => ['install', file] },
  { name: 'pnpm', script: () => inModules('pnpm/bin/pnpm.cjs'), add: (file) => ['add', file] },
  { name: 'Yarn 1', script: () => inModules('yarn/bin/yarn.js'), add: (file) => ['add', file] },
  {
    name: 'Yarn 4',
    script: () => inModules('@yarnpkg/cli-dist/bin/yarn.js'),
    add: (file) => ['add', `node-kmod@file:${file}`],
    node: ['node'],
  },
]

test.each(MANAGERS)(
  '$name asks nothing and builds nothing, and the first call works',
  ({ name, script, add, node }) => {
    const program = emptyProgram(folder, name.toLowerCase().replace(' ', '-'))
    // Yarn 4 looks for its project in the folders above, unless this one has a lockfile.
    if (name === 'Yarn 4') writeFileSync(join(program, 'yarn.lock'), '')
    const manager = (args: string[]): string =>
      run('sh', ['-c', '"$@" 2>&1', 'sh', 'node', script(), ...args], program, env)
    const printed = manager(add(tarball()))
    // The words of the questions: "Ignored build scripts", "approve-builds", "allow-scripts", "must be built".
    expect(printed).not.toMatch(/build script|approve|allow-scripts|must be built/i)
    writeFileSync(join(program, 'call.mjs'), `import { kmod } from 'node-kmod'\n${FIRST_CALL}`)
    writeFileSync(
      join(program, 'call.cjs'),
      `const { kmod } = require('node-kmod')\nvoid (async () => ${FIRST_CALL})()`,
    )
    for (const file of ['call.mjs', 'call.cjs']) {
      const answer =
        node === undefined ? run('node', [file], program, env) : manager([...node, file])
      expect(answer.trim()).toBe('true')
    }
  },
)
