/**
 * node-kmod/graph: pictures of what `graph()` resolves with.
 *
 * @packageDocumentation
 */
export { toDot } from './dot'
export { toHtml } from './html'
export { toMermaid } from './mermaid'
export { toSvg } from './svg'
export type { GraphEdge, GraphNode, ModuleGraph } from '../contract/types'
