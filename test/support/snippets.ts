/** Runs the snippets of the documentation as programs of a user. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { execFileSync, spawn } from 'node:child_process'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import ts from 'typescript'
import { outcomeOf, ROOT, type Outcome } from './child'
import type { Snippet } from './documents'

/** A folder in which a program can import node-kmod. */
function makeProject(entry: (folder: string) => void): string {
  const folder = mkdtempSync(join(tmpdir(), 'kmod-snippet-'))
  mkdirSync(join(folder, 'node_modules'))
  entry(join(folder, 'node_modules', 'node-kmod'))
  return folder
}

/**
 * The package as it is, except that every Kmod reads this captured system. What it exports by name must
 * be written out, because an ES module has a fixed list of exports.
 */
function overCapturedSystem(root: string, methods: readonly string[]): (folder: string) => void {
  return (folder) => {
    mkdirSync(folder)
    const exports: Record<string, string> = { '.': './index.mjs' }
    for (const part of ['graph', 'testing']) {
      const path = JSON.stringify(join(ROOT, `dist/${part}/index.js`))
      writeFileSync(join(folder, `${part}.mjs`), `export * from ${path}`)
      exports[`./${part}`] = `./${part}.mjs`
    }
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'node-kmod', exports }))
    const bound = methods.map((name) => `export const ${name} = kmod.${name}.bind(kmod)`)
    writeFileSync(
      join(folder, 'index.mjs'),
      `import { Kmod as Real } from ${JSON.stringify(join(ROOT, 'dist/index.js'))}
       export * from ${JSON.stringify(join(ROOT, 'dist/index.js'))}
       export class Kmod extends Real {
         constructor(options) { super({ ...options, root: ${JSON.stringify(root)} }) }
       }
       export const kmod = new Kmod()
       ${bound.join('\n')}`,
    )
  }
}

/** `await using` needs Node.js 24; the compiler makes of it what Node.js 20 knows. */
function compiled(code: string): string {
  const options = { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ES2022 }
  return ts.transpileModule(code, { compilerOptions: options }).outputText
}

async function run(
  { code }: Snippet,
  entry: (folder: string) => void,
  before: string,
): Promise<Outcome> {
  const folder = makeProject(entry)
  try {
    if (before !== '') execFileSync('sh', ['-ec', before], { cwd: folder, stdio: 'pipe' })
    writeFileSync(join(folder, 'snippet.mjs'), compiled(code))
    return await outcomeOf(spawn(process.execPath, ['snippet.mjs'], { cwd: folder }))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** `methods`: the names that the package exports for the methods of a Kmod. */
export function runCaptured(
  snippet: Snippet,
  root: string,
  methods: readonly string[],
): Promise<Outcome> {
  return run(snippet, overCapturedSystem(root, methods), '')
}

/** Runs the commands of the comment first, in the folder of the program. */
export function runOnThisKernel(snippet: Snippet): Promise<Outcome> {
  const before = snippet.runs.where === 'kernel' ? snippet.runs.after : ''
  return run(snippet, (folder) => symlinkSync(ROOT, folder), before)
}
