/** A graph as one HTML file. */
import { createHash } from 'node:crypto'
import { printable } from '../contract/printable'
import type { ModuleGraph } from '../contract/types'
import { MEANINGS } from './look'
import { PAGE_SCRIPT } from './page-script'
import { PAGE_STYLE } from './page-style'
import { drawSvg } from './svg'

/**
 * Resolves with the graph as one HTML file, which needs no network: a picture with zoom and search. A
 * click on a module shows what it uses and what uses it. A plan's order and blockers are in colour. The
 * keyboard is enough for all of it.
 *
 * Rejects with ERR_KMOD_UNSUPPORTED if the package @viz-js/viz is not installed.
 */
export async function toHtml(graph: ModuleGraph): Promise<string> {
  const svg = await drawSvg(graph)
  // Only this script and this style may run, whatever the names in the graph are.
  const policy = [
    "default-src 'none'",
    `script-src ${hashOf(PAGE_SCRIPT)}`,
    `style-src ${hashOf(PAGE_STYLE)}`,
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ')
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Kernel modules</title>
<style>${PAGE_STYLE}</style>
</head>
<body>
<header>
<label>Search <input id="search" type="search" autocomplete="off" spellcheck="false" placeholder="module, mount, process"></label>
<output id="matches" for="search"></output>
<span class="buttons">
<button id="out" type="button" title="Zoom out (-)">&minus;</button>
<button id="in" type="button" title="Zoom in (+)">+</button>
<button id="fit" type="button" title="Show everything (0)">Fit</button>
</span>
<ul id="legend" aria-label="Legend">${legend(graph)}</ul>
</header>
<main>
<div id="picture" role="application" aria-label="Modules: an arrow leads from a user to what it uses">
${svg}</div>
<aside id="details" aria-live="polite" aria-label="Selected module"></aside>
</main>
<script id="graph" type="application/json">${dataOf(graph)}</script>
<script>${PAGE_SCRIPT}</script>
</body>
</html>
`
}

function hashOf(text: string): string {
  return `'sha256-${createHash('sha256').update(text).digest('base64')}'`
}

/** The kinds and the roles that the graph has. */
function legend({ nodes, edges }: ModuleGraph): string {
  const entries = [entry('module plain', 'module')]
  if (nodes.some(({ kind }) => kind !== 'module')) entries.push(entry('user', 'other user'))
  for (const [role, meaning] of Object.entries(MEANINGS)) {
    if (nodes.some((node) => node.role === role)) entries.push(entry(role, meaning))
  }
  if (edges.some(({ kind }) => kind === 'soft')) entries.push(entry('soft', 'soft dependency'))
  return entries.join('')
}

function entry(names: string, text: string): string {
  return `<li><i class="${names}"></i>${text}</li>`
}

/** JSON in which no text can end the script element. */
function dataOf({ nodes, edges, unreadable = [] }: ModuleGraph): string {
  const numbers = new Map(nodes.map(({ id }, i) => [id, i]))
  const data = {
    nodes: nodes.map((node) => ({ ...node, label: printable(node.label) })),
    edges: edges.map(({ from, to, kind }) => [
      numbers.get(from) ?? -1,
      numbers.get(to) ?? -1,
      kind,
    ]),
    unreadable,
  }
  return JSON.stringify(data).replace(/[<>&]/g, (one) => `\\u00${one.charCodeAt(0).toString(16)}`)
}
