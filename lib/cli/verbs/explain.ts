/** The verbs that say what uses a module, and what needs it. */
import type { ReferenceEvent } from '../../index'
import { printable } from '../../contract/printable'
import { effectsText, usageText } from '../text/usage'
import type { Answer, Call, Verb } from '../verb'

async function* trace({ kmod, arguments: [name], signal, out }: Call): AsyncIterable<Answer> {
  const { green, yellow, dim } = out.paint
  const line = ({ action, pid, comm, caller, refCount, at }: ReferenceEvent): string =>
    [
      dim(at.toISOString().slice(11, 23)),
      action === 'get' ? green('get') : yellow('put'),
      String(refCount).padStart(4),
      printable(`${comm ?? 'unknown'} (${pid})`),
      dim(caller),
    ].join('  ')
  for await (const event of kmod.trace(name!, { signal })) {
    yield { value: event, text: () => line(event) }
  }
}

export const EXPLAIN_VERBS: readonly Verb[] = [
  {
    name: 'explain',
    alias: 'why',
    group: 'Explain',
    summary: 'say what uses a module, and how each user releases it',
    description: 'Each user has a command that makes it release the module, where one command can.',
    arguments: [{ name: 'NAME', help: 'a name or an alias', completes: 'loaded' }],
    options: [],
    examples: [
      ['why tun', 'who holds it, how many references, and what to do'],
      ['why nvme --root /srv/customer', 'the same in a captured system'],
    ],
    async run({ kmod, arguments: [name], signal, out }) {
      const usage = await kmod.explain(name!, { signal })
      return { value: usage, text: () => usageText(out, usage) }
    },
  },
  {
    name: 'impact',
    group: 'Explain',
    summary: 'say what would stop working without modules, also if nothing holds them',
    arguments: [{ name: 'NAME', help: 'names or aliases', several: true, completes: 'loaded' }],
    options: [],
    examples: [['impact e1000e', 'the interfaces, and whether a session depends on them']],
    async run({ kmod, arguments: names, signal, out }) {
      const effects = await kmod.impact(names, { signal })
      return {
        value: effects,
        text: () =>
          effects.length === 0 ? 'Nothing would stop working.' : effectsText(out, effects),
      }
    },
  },
  {
    name: 'trace',
    group: 'Follow',
    summary: 'print each reference to a module as it is taken and dropped',
    arguments: [{ name: 'NAME', help: 'the name of a module', completes: 'modules' }],
    options: [],
    examples: [['trace tun', 'who opens and closes it, until Ctrl-C']],
    run: trace,
  },
]
