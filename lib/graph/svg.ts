/** A graph as an SVG picture, laid out by Graphviz (compiled to WebAssembly in @viz-js/viz). */
import { KmodError } from '../contract/errors'
import type { ModuleGraph } from '../contract/types'
import { toDot } from './dot'
import { DARK_STYLE } from './look'

/**
 * Resolves with the graph as an SVG file, in light or dark colours as the reader prefers.
 *
 * Rejects with ERR_KMOD_UNSUPPORTED if the package @viz-js/viz is not installed.
 */
export async function toSvg(graph: ModuleGraph): Promise<string> {
  return (await drawSvg(graph)).replace(/(<svg[^>]*>)/, `$1\n<style>\n${DARK_STYLE}\n</style>`)
}

/** The `<svg>` element, in light colours only. */
export async function drawSvg(graph: ModuleGraph): Promise<string> {
  const dot = toDot(graph)
  const { instance } = await loadViz()
  const svg = (await instance()).renderString(dot, { format: 'svg', engine: 'dot' })
  // Without the XML declaration, the document type and the comment with the version of Graphviz.
  return svg.slice(svg.indexOf('<svg')).replace(/<!--.*?-->\n?/gs, '')
}

interface Viz {
  instance: () => Promise<{ renderString(dot: string, options: object): string }>
}

/** Not a literal in the import, because a bundler must not look for a package that is optional. */
const VIZ = '@viz-js/viz' as string

async function loadViz(): Promise<Viz> {
  try {
    return (await import(VIZ)) as Viz
  } catch (cause) {
    throw new KmodError(
      'ERR_KMOD_UNSUPPORTED',
      `The package ${VIZ}, which lays out the picture, cannot be loaded. Install it: npm install ${VIZ}. ` +
        'Or write the graph as DOT, and draw it with Graphviz: dot -Tsvg.',
      { cause },
    )
  }
}
