/** The verbs that say what uses a module, and what needs it. */
import { effectsText, usageText } from '../text/usage'
import type { Answer, Verb } from '../verb'

export const EXPLAIN_VERBS: readonly Verb[] = [
  {
    name: 'explain',
    alias: 'why',
    group: 'Explain',
    summary: 'say what uses a module, and how each user releases it',
    description: 'A user that one command can release is shown with this command.',
    arguments: [{ name: 'NAME', help: 'a name or an alias', completes: 'loaded' }],
    options: [],
    examples: [
      ['why tun', 'who holds it, how many references, and what to do'],
      ['why nvme --root /srv/customer', 'the same in a captured system'],
    ],
    async run({ kmod, arguments: [name], signal, out }): Promise<Answer> {
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
    async run({ kmod, arguments: names, signal, out }): Promise<Answer> {
      const effects = await kmod.impact(names, { signal })
      return {
        value: effects,
        text: () =>
          effects.length === 0 ? 'Nothing would stop working.' : effectsText(out, effects),
      }
    },
  },
]
