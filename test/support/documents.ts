/** The documentation as data: pages, their snippets, tables, headings and links. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT } from './child'

const GUIDE = 'docs/guide'

/** The pages for users; those of docs/ and docs/guide/ are found, so a new page is checked too. */
export const PAGES: readonly string[] = [
  ...['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', 'SECURITY.md'],
  ...['docs', GUIDE].flatMap((folder) =>
    readdirSync(join(ROOT, folder))
      .filter((name) => name.endsWith('.md'))
      .map((name) => `${folder}/${name}`),
  ),
]

export function read(page: string): string {
  return readFileSync(join(ROOT, page), 'utf8')
}

/**
 * A fenced block of code. A comment before it says where it runs:
 *
 *     <!-- kernel: COMMANDS -->       on a real kernel, as root, after these commands of a shell
 *     <!-- not run: REASON -->        nowhere; its types are checked
 *
 * Without a comment it runs against a captured system. A block of `text` directly after it is what it
 * prints.
 */
export interface Snippet {
  /** Where it is: page and line. */
  name: string
  language: string
  code: string
  runs: { where: 'captured' } | { where: 'kernel'; after: string } | { where: 'nowhere' }
  output: string | null
}

const FENCE =
  /(?:<!-- (kernel|not run):\s*(.*?)\s*-->\n+)?```(\w+)\n(.*?)```(?:\n+```text\n(.*?)```)?/gs

export function snippetsOf(page: string): Snippet[] {
  const text = read(page)
  return [...text.matchAll(FENCE)].map(([, where, argument, language, code, output], i, all) => ({
    name: `${page}:${text.slice(0, all[i]!.index).split('\n').length}`,
    language: language!,
    code: code!,
    runs:
      where === 'kernel'
        ? { where, after: argument! }
        : { where: where === undefined ? 'captured' : 'nowhere' },
    output: output ?? null,
  }))
}

/** The snippets of JavaScript on these pages. */
export function programs(pages: readonly string[] = PAGES): Snippet[] {
  return pages.flatMap(snippetsOf).filter(({ language }) => language === 'js')
}

/** The rows of the tables whose first column has this title; each cell without the spaces around it. */
export function rows(document: string, title: string): string[][] {
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

export const quoted = (text: string): string[] =>
  [...text.matchAll(/`([^`]+)`/g)].map(([, one]) => one!)

/** The texts between backticks in the first column of such tables. */
export const names = (document: string, title: string): string[] =>
  rows(document, title).flatMap(([cell]) => quoted(cell!))

/** Without the fenced blocks. */
export const withoutCode = (document: string): string => document.replace(/```.*?```/gs, '')

/** The headings, without their marks. */
export function headings(document: string): string[] {
  return [...withoutCode(document).matchAll(/^#+ (.*)$/gm)].map(([, text]) => text!)
}

/** The part of an address that leads to a heading, as GitHub makes it. */
export function anchor(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\w\- ]/g, '')
    .replaceAll(' ', '-')
}

/** The targets of the links that do not lead to another host. */
export function localLinks(document: string): string[] {
  return [...withoutCode(document).matchAll(/\]\(([^)]+)\)/g)]
    .map(([, link]) => link!.replace(/\s+/g, ' '))
    .filter((link) => !/^https?:/.test(link))
}
