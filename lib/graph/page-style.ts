/** The style sheet of the HTML page. */
import { DARK, DARK_STYLE, LIGHT, type Theme } from './look'

export const PAGE_STYLE = `
:root { ${variables(LIGHT)} font: 14px/1.4 system-ui, sans-serif; color-scheme: light dark }
@media (prefers-color-scheme: dark) { :root { ${variables(DARK)} } }
${DARK_STYLE}
* { box-sizing: border-box }
html, body { height: 100%; margin: 0 }
body { display: flex; flex-direction: column; background: var(--page); color: var(--text) }
header { display: flex; flex-wrap: wrap; gap: .4em 1em; align-items: center; padding: .5em .8em; border-bottom: 1px solid var(--plain-line) }
input, button { font: inherit; color: inherit; background: var(--plain-fill); border: 1px solid var(--plain-line); border-radius: 4px; padding: .2em .6em }
button { cursor: pointer }
:focus-visible { outline: 2px solid var(--stays-line); outline-offset: 1px }
#search { width: 15em }
#matches { min-width: 8em }
#legend { display: flex; flex-wrap: wrap; gap: .2em 1em; margin: 0; padding: 0; list-style: none }
#legend i { display: inline-block; width: 1.4em; height: .9em; margin-right: .4em; vertical-align: -.05em; border: 1px solid var(--plain-line); border-radius: 3px; background: var(--plain-fill) }
#legend i.user { border-radius: 50%; background: var(--page) }
#legend i.soft { height: 0; border-width: 0 0 2px; border-style: dashed; border-radius: 0; vertical-align: .25em; background: none }
${Object.keys(LIGHT.parts)
  .filter((part) => part !== 'plain' && part !== 'user')
  .map(
    (part) =>
      `#legend i.${part} { background: var(--${part}-fill); border-color: var(--${part}-line) }`,
  )
  .join('\n')}
#legend i.blocks { border-style: double; border-width: 3px }
#legend i.target { border-width: 2px }
main { flex: 1; display: flex; min-height: 0 }
#picture { flex: 1; min-width: 0; overflow: hidden; cursor: grab; touch-action: none }
#picture:active { cursor: grabbing }
#picture svg { display: block; width: 100%; height: 100% }
.node { cursor: pointer }
.node:focus { outline: none }
.node:focus-visible path, .node:focus-visible ellipse, .node.selected path, .node.selected ellipse { stroke-width: 3.5px }
.edge.near path { stroke-width: 2px }
.some-near .node, .some-near .edge, .searching .node, .searching .edge { opacity: .16 }
.some-near .near, .searching .match { opacity: 1 }
.node.match path, .node.match ellipse { stroke-width: 3.5px }
#details { width: 19em; overflow: auto; padding: .8em; border-left: 1px solid var(--plain-line); overflow-wrap: anywhere }
#details h2 { margin: 0 0 .3em; font-size: 1.2em }
#details h3 { margin: 1em 0 .3em; font-size: 1em }
#details ul, #details ol { margin: 0; padding: 0; list-style: none }
#details li button { width: 100%; margin-bottom: 2px; text-align: left }
@media (max-width: 45em) { main { flex-direction: column } #details { width: auto; max-height: 40%; border-left: 0; border-top: 1px solid var(--plain-line) } }
`

function variables({ page, parts }: Theme): string {
  const list = Object.entries(parts).flatMap(([part, { fill, line }]) => [
    `--${part}-fill: ${fill}`,
    `--${part}-line: ${line}`,
  ])
  return [`--page: ${page}`, `--text: ${parts.plain.text}`, ...list]
    .map((one) => `${one};`)
    .join(' ')
}
