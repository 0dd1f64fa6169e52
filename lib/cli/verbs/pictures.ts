/** The verbs that make a picture or a copy of this system. */
import { writeFile } from 'node:fs/promises'
import { extname } from 'node:path'
import { InvalidArgumentError } from 'commander'
import { printable } from '../../contract/printable'
import { toDot, toHtml, toMermaid, toSvg } from '../../graph'
import type { ModuleGraph } from '../../index'
import { propose } from '../consent'
import { flag } from '../option-kinds'
import { pick, PLAN_OPTIONS } from '../options'
import { paragraph } from '../text/table'
import { bytes, count } from '../text/words'
import type { Answer, Call, Option, Verb } from '../verb'

/** By the ending of the file. */
const FORMATS: Readonly<Record<string, (graph: ModuleGraph) => string | Promise<string>>> = {
  '.dot': toDot,
  '.mmd': toMermaid,
  '.svg': toSvg,
  '.html': toHtml,
  '.json': (graph) => JSON.stringify(graph, null, 2),
}

const OUTPUT: Option = {
  name: 'output',
  short: 'o',
  value: 'FILE',
  words: 'files',
  help: `the file to write; its ending chooses the format: ${Object.keys(FORMATS).join(' ')}`,
  parse: (file) => {
    if (Object.hasOwn(FORMATS, extname(file))) return file
    throw new InvalidArgumentError(`The endings are ${Object.keys(FORMATS).join(', ')}.`)
  },
}

const USERS = flag('users', 'with mounts, processes, interfaces and other users')
const NO_USERS = flag('no-users', 'without what only uses modules')
const PLAN = flag('plan', 'show what an unload of the modules would remove')

async function graph(call: Call): Promise<Answer> {
  const { kmod, arguments: names, options: given, signal } = call
  if (given.plan === true && names.length === 0) {
    throw new InvalidArgumentError('--plan needs the names of the modules to unload.')
  }
  const plan =
    given.plan === true ? (await propose(call, names, pick(given, PLAN_OPTIONS))).plan : undefined
  const drawn = await kmod.graph(names.length > 0 ? names : undefined, {
    ...pick(given, [USERS]),
    ...(plan !== undefined && { plan }),
    signal,
  })
  const file = given.output as string | undefined
  // Graphviz reads it: node-kmod graph | dot -Tpng
  if (file === undefined) return { value: drawn, text: () => toDot(drawn) }
  await writeFile(file, await FORMATS[extname(file)]!(drawn))
  return {
    value: drawn,
    text: () => `Wrote a graph of ${count(drawn.nodes.length, 'node')} to ${file}.`,
  }
}

export const PICTURE_VERBS: readonly Verb[] = [
  {
    name: 'graph',
    group: 'Explain',
    summary: 'draw which modules use which',
    description: 'Without --output, it prints DOT, the language of Graphviz.',
    arguments: [
      {
        name: 'NAME',
        help: 'only these modules, with what they use and what uses them',
        optional: true,
        several: true,
        completes: 'loaded',
      },
    ],
    options: [OUTPUT, USERS, PLAN, ...PLAN_OPTIONS],
    examples: [
      ['graph -o modules.html', 'a page to search and to click, for any browser'],
      ['graph nvme --users --plan -o nvme.svg', 'what an unload removes, and what blocks it'],
    ],
    run: graph,
  },
  {
    name: 'capture',
    group: 'Other',
    summary: 'copy what the other verbs read of this machine into a folder, for --root',
    arguments: [
      { name: 'DIR', help: 'a folder that does not exist or is empty', completes: 'folders' },
    ],
    options: [NO_USERS],
    examples: [['capture /tmp/this-machine', 'then: node-kmod why tun --root /tmp/this-machine']],
    async run({ kmod, arguments: [folder], options, signal, out }): Promise<Answer> {
      const users = pick(options, [NO_USERS])
      const report = await kmod.capture(folder!, { ...users, signal })
      const { files, bytes: size, unreadable } = report
      return {
        value: report,
        text: () =>
          [
            `Wrote ${count(files, 'file')}, ${bytes(size)}, to ${folder!}.`,
            ...unreadable.map((what) => paragraph(out, `Not read: ${printable(what)}`)),
          ].join('\n'),
      }
    },
  },
]
