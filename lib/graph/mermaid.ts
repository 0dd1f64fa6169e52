/** A graph in the language of Mermaid. */
import { printable } from '../contract/printable'
import type { ModuleGraph } from '../contract/types'
import { checkGraph, labelOf, LIGHT, MEANINGS } from './look'

/** Returns the graph in the language of Mermaid, which many forges draw in Markdown. */
export function toMermaid(graph: ModuleGraph): string {
  const { nodes, edges } = checkGraph(graph)
  const ids = new Map(nodes.map(({ id }, i) => [id, `n${i}`]))
  const lines = nodes.map((node) => {
    const [open, close] = node.kind === 'module' ? ['[', ']'] : ['([', '])']
    const role = isRole(node.role) ? `:::${node.role}` : ''
    return `${ids.get(node.id)!}${open}"${escaped(labelOf(node))}"${close}${role}`
  })
  for (const { from, to, kind } of edges) {
    const [user, used] = [ids.get(from), ids.get(to)]
    if (user === undefined || used === undefined) continue
    lines.push(`${user} ${kind === 'soft' ? '-.->' : '-->'} ${used}`)
  }
  const roles = Object.keys(MEANINGS)
    .filter(isRole)
    .filter((role) => nodes.some((node) => node.role === role))
    .map((role) => {
      const { fill, line, text } = LIGHT.parts[role]
      return `classDef ${role} fill:${fill},stroke:${line},color:${text}`
    })
  return `flowchart LR\n${[...lines, ...roles].map((line) => `  ${line}\n`).join('')}`
}

function isRole(role: string | undefined): role is keyof typeof MEANINGS {
  return role !== undefined && Object.hasOwn(MEANINGS, role)
}

/** Mermaid reads `#NUMBER;` as a character. A label is HTML for it, or Markdown if it begins with "`". */
function escaped(text: string): string {
  return printable(text).replace(/["#&;<>`\\*_~%{}|]/g, (one) => `#${one.codePointAt(0)!};`)
}
