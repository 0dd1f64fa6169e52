/** A graph in the language of Graphviz. */
import { printable } from '../contract/printable'
import type { GraphEdge, GraphNode, ModuleGraph } from '../contract/types'
import { checkGraph, labelOf, LIGHT, lookOf } from './look'

/**
 * Returns the graph in DOT, the language of Graphviz: `dot -Tsvg`. Users are on the left of what they use.
 *
 * In an SVG file that Graphviz makes of it, the n-th node of the graph has the id `nN`, the n-th edge the
 * id `eN`, both counted from 0, and each node has classes for its kind and its role.
 */
export function toDot(graph: ModuleGraph): string {
  const { nodes, edges } = checkGraph(graph)
  const known = new Set(nodes.map(({ id }) => id))
  const lines = [
    'rankdir=LR',
    'ranksep=0.6',
    'nodesep=0.12',
    // Parts without a connection fill the space beside each other, instead of one long column.
    'pack=10',
    'packmode="graph"',
    'bgcolor="white"',
    'node [shape=box, style="rounded,filled", fontname="Helvetica,Arial,sans-serif", fontsize=11, height=0.3, margin="0.12,0.05"]',
    `edge [color="${LIGHT.edge}", arrowsize=0.6]`,
    ...nodes.map((node, i) => nodeLine(node, i)),
    ...edges.flatMap((edge, i) => {
      if (!known.has(edge.from) || !known.has(edge.to)) return []
      return [edgeLine(edge, i)]
    }),
  ]
  return `digraph modules {\n${lines.map((line) => `  ${line}\n`).join('')}}\n`
}

function nodeLine(node: GraphNode, number: number): string {
  const { colours, isBold } = lookOf(node, LIGHT)
  const isModule = node.kind === 'module'
  const attributes = [
    `id="n${number}"`,
    `class="${['is', node.kind, node.role ?? 'plain'].map(word).join(' ')}"`,
    `label=${quoted(labelOf(node))}`,
    `fillcolor="${colours.fill}"`,
    `color="${colours.line}"`,
    `fontcolor="${colours.text}"`,
    // Kinds and roles also differ in their shape, for readers who cannot tell the colours apart.
    ...(isModule ? [] : ['shape=ellipse', 'style=filled']),
    ...(isBold ? ['penwidth=2'] : []),
    ...(node.role === 'blocks' ? ['peripheries=2'] : []),
  ]
  return `${quoted(node.id)} [${attributes.join(', ')}]`
}

function edgeLine({ from, to, kind }: GraphEdge, number: number): string {
  const attributes = [
    `id="e${number}"`,
    `class="${word(kind)}"`,
    ...(kind === 'soft' ? ['style=dashed'] : []),
  ]
  return `${quoted(from)} -> ${quoted(to)} [${attributes.join(', ')}]`
}

/**
 * A quoted string. A backslash begins an escape sequence in a label; in an id it stays double, which does
 * no harm.
 */
function quoted(text: string): string {
  return `"${printable(text).replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`
}

/** For the name of a class, in a graph that did not come from graph(). */
function word(text: string): string {
  return text.replace(/[^\w-]/g, '')
}
