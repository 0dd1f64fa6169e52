/** What all pictures share: the check of the graph, labels, and the colours for a light and a dark page. */
import { invalidValue } from '../contract/errors'
import type { GraphNode, ModuleGraph } from '../contract/types'

/** Throws a TypeError if this is not a graph. For the functions that make pictures. */
export function checkGraph(graph: unknown): ModuleGraph {
  const { nodes, edges } = (graph ?? {}) as Partial<ModuleGraph>
  if (!Array.isArray(nodes) || !Array.isArray(edges)) {
    throw invalidValue('graph', 'a ModuleGraph, as graph() resolves with', graph)
  }
  return graph as ModuleGraph
}

/** What a picture shows of a node. */
export function labelOf({ label, order }: GraphNode): string {
  return order === undefined ? label : `${order}. ${label}`
}

interface Colours {
  fill: string
  line: string
  text: string
}

type Part = 'plain' | 'user' | NonNullable<GraphNode['role']>

export interface Theme {
  page: string
  edge: string
  parts: Record<Part, Colours>
}

export const LIGHT = theme('#ffffff', '#6e7781', '#1f2328', {
  plain: ['#f6f8fa', '#8c959f'],
  user: ['#ffffff', '#8c959f'],
  target: ['#ffe2b8', '#9a5b00'],
  goes: ['#fff8c5', '#9a7b00'],
  stays: ['#ddf4ff', '#0969da'],
  blocks: ['#ffd8d5', '#b62324'],
})

export const DARK = theme('#0d1117', '#8b949e', '#e6edf3', {
  plain: ['#21262d', '#6e7681'],
  user: ['#0d1117', '#6e7681'],
  target: ['#5a3600', '#f0a742'],
  goes: ['#423800', '#d4b72b'],
  stays: ['#0c2d6b', '#58a6ff'],
  blocks: ['#67060c', '#ff7b72'],
})

function theme(
  page: string,
  edge: string,
  text: string,
  parts: Record<Part, [fill: string, line: string]>,
): Theme {
  const colours = Object.entries(parts).map(([part, [fill, line]]) => [part, { fill, line, text }])
  return { page, edge, parts: Object.fromEntries(colours) as Theme['parts'] }
}

/** What the legend says about each role. */
export const MEANINGS: Record<NonNullable<GraphNode['role']>, string> = {
  target: 'is removed: it was asked for',
  goes: 'is removed or released too',
  stays: 'stays loaded',
  blocks: 'blocks the plan',
}

/** A role has precedence over the kind. A role that does not exist counts as none. */
function partOf({ kind, role }: GraphNode): Part {
  if (role !== undefined && Object.hasOwn(MEANINGS, role)) return role
  return kind === 'module' ? 'plain' : 'user'
}

export function lookOf(node: GraphNode, theme: Theme): { colours: Colours; isBold: boolean } {
  const part = partOf(node)
  return { colours: theme.parts[part], isBold: part === 'target' || part === 'blocks' }
}

/** Replaces the light colours, which Graphviz writes as attributes, where the reader prefers dark ones. */
export const DARK_STYLE = `@media (prefers-color-scheme: dark) {
${rule('.graph > polygon', { fill: DARK.page })}
${rule('.edge path', { stroke: DARK.edge })}
${rule('.edge polygon', { stroke: DARK.edge, fill: DARK.edge })}
${partRules(DARK)}
}`

/** Rules for each part; a later rule has precedence, so the roles follow the kinds. */
function partRules({ parts }: Theme): string {
  const { plain, user, ...roles } = parts
  const rules = [
    partRule('.node', user),
    partRule('.node.module', plain),
    ...Object.entries(roles).map(([role, colours]) => partRule(`.node.is.${role}`, colours)),
  ]
  return rules.join('\n')
}

function partRule(selector: string, { fill, line, text }: Colours): string {
  const shapes = ['path', 'polygon', 'ellipse'].map((shape) => `${selector} ${shape}`)
  return [
    rule(shapes.join(', '), { stroke: line }),
    // The outer line of a double border is not filled.
    rule(shapes.map((shape) => `${shape}:not([fill=none])`).join(', '), { fill }),
    rule(`${selector} text`, { fill: text }),
  ].join('\n')
}

function rule(selector: string, properties: Record<string, string>): string {
  const list = Object.entries(properties).map(([name, value]) => `${name}: ${value}`)
  return `${selector} { ${list.join('; ')} }`
}
