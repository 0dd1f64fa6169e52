/** What an editor, or the compiler, says about a program that uses the package. */
import { join } from 'node:path'
import ts from 'typescript'
import { ROOT } from './child'

/** TypeScript's language service, as an editor runs it for a program that imports the built package. */
export class Editor {
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
