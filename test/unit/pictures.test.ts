/** DOT and Mermaid: whatever names other users choose, the text has the nodes and edges of the graph. */
import type { ModuleGraph } from '../../lib/contract/types'
import { toDot, toMermaid } from '../../lib/graph'

const HOSTILE = [
  '/mnt/"] evil ["',
  '/mnt/back\\',
  '/mnt/\\"',
  '/mnt/two\nlines',
  '</script><script>alert(1)</script>',
  '--> x',
  '<b>&amp;</b> \\N \\G #quot; `code` %% end ]]',
  '\u202egnp',
]

const hostile: ModuleGraph = {
  nodes: [
    { id: 'tun', kind: 'module', label: 'tun', role: 'target', order: 1 },
    ...HOSTILE.map((text) => ({ id: `mount:${text}`, kind: 'mount' as const, label: text })),
  ],
  edges: HOSTILE.map((text) => ({ from: `mount:${text}`, to: 'tun', kind: 'uses' as const })),
}

const small: ModuleGraph = {
  nodes: [
    { id: 'bridge', kind: 'module', label: 'bridge', role: 'target', order: 1 },
    { id: 'stp', kind: 'module', label: 'stp', role: 'stays' },
    { id: 'process:7', kind: 'process', label: 'vpn (7)', role: 'blocks' },
  ],
  edges: [
    { from: 'bridge', to: 'stp', kind: 'uses' },
    { from: 'bridge', to: 'stp', kind: 'soft' },
    { from: 'process:7', to: 'bridge', kind: 'uses' },
    { from: 'bridge', to: 'not in the graph', kind: 'uses' },
  ],
}

/** A quoted string of DOT: only a quote and a backslash are escaped. */
const QUOTED = /"((?:[^"\\\n]|\\["\\])*)"/

test('DOT has one line for each node and edge, whose strings are quoted', () => {
  const lines = toDot(hostile).split('\n')
  const string = QUOTED.source
  const node = new RegExp(`^  ${string} \\[(?:\\w+=(?:${string}|[\\w.]+)(?:, )?)+\\]$`)
  const edge = new RegExp(`^  ${string} -> ${string} \\[(?:\\w+=(?:${string}|\\w+)(?:, )?)+\\]$`)
  expect(lines.filter((line) => node.test(line))).toHaveLength(hostile.nodes.length)
  expect(lines.filter((line) => edge.test(line))).toHaveLength(hostile.edges.length)
})

test('DOT marks what a plan does, and soft dependencies', () => {
  const dot = toDot(small)
  expect(dot).toMatch(/^ {2}"bridge" \[id="n0", class="is module target", label="1\. bridge"/m)
  expect(dot).toMatch(/^ {2}"process:7" .*shape=ellipse.*peripheries=2/m)
  expect(dot).toMatch(/^ {2}"bridge" -> "stp" \[id="e0", class="uses"\]$/m)
  expect(dot).toMatch(/^ {2}"bridge" -> "stp" \[id="e1", class="soft", style=dashed\]$/m)
  expect(dot).not.toContain('not in the graph')
})

test('Mermaid has one line for each node and edge, and labels without characters of its syntax', () => {
  const [head, ...lines] = toMermaid(hostile).trimEnd().split('\n')
  expect(head).toBe('flowchart LR')
  const label = '"(?:[^"#&;<>`\\\\*_~%{}|]|#\\d+;)*"'
  const node = new RegExp(`^  n\\d+(?:\\[${label}\\]|\\(\\[${label}\\]\\))(?::::\\w+)?$`)
  expect(lines.filter((line) => node.test(line))).toHaveLength(hostile.nodes.length)
  expect(lines.filter((line) => /^ {2}n\d+ --> n0$/.test(line))).toHaveLength(HOSTILE.length)
  expect(lines).toHaveLength(hostile.nodes.length + HOSTILE.length + 1)
})

test('Mermaid has classes for the roles, and soft dependencies', () => {
  const lines = toMermaid(small).split('\n')
  expect(lines).toEqual(
    expect.arrayContaining([
      '  n0["1. bridge"]:::target',
      '  n2(["vpn (7)"]):::blocks',
      '  n0 --> n1',
      '  n0 -.-> n1',
    ]),
  )
  expect(lines.filter((line) => line.startsWith('  classDef'))).toHaveLength(3)
})

test('anything but a graph is refused', () => {
  for (const draw of [toDot, toMermaid]) {
    for (const wrong of [undefined, null, 'tun', {}, { nodes: [] }]) {
      expect(() => draw(wrong as never)).toThrow(TypeError)
    }
  }
})
