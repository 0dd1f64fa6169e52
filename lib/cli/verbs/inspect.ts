/** The verbs that answer a question about modules. */
import type { Answer, Argument, Verb } from '../verb'
import { infoText, modulesText, preflightText } from '../text/modules'

const LOADED: Argument = { name: 'NAME', help: 'the name of a module', completes: 'loaded' }
const ANY: Argument = { ...LOADED, completes: 'modules' }

/** Whether an argument is the path of a module file rather than a name or an alias. */
export function isModuleFile(text: string): boolean {
  return /\.ko(\.(gz|xz|zst))?$/.test(text)
}

export const INSPECT_VERBS: readonly Verb[] = [
  {
    name: 'list',
    group: 'Inspect',
    summary: 'list the loaded modules, newest first',
    arguments: [],
    options: [],
    examples: [['list --json', 'the same for programs']],
    async run({ kmod, signal, out }): Promise<Answer> {
      const modules = await kmod.list({ signal })
      return { value: modules, text: () => modulesText(out, modules) }
    },
  },
  {
    name: 'find',
    group: 'Inspect',
    summary: 'show one loaded module',
    description: 'With --json, a module that is not loaded is null.',
    arguments: [LOADED],
    options: [],
    examples: [['find snd-pcm', 'its size, reference count and holders']],
    async run({ kmod, arguments: [name], signal, out }): Promise<Answer> {
      const found = await kmod.find(name!, { signal })
      return {
        value: found ?? null,
        text: () => (found === undefined ? `${name!} is not loaded.` : modulesText(out, [found])),
      }
    },
  },
  {
    name: 'status',
    group: 'Inspect',
    summary: 'print live, loading, unloading, builtin, unloaded or unknown',
    arguments: [ANY],
    options: [],
    examples: [['status ext4', 'whether it is loaded or compiled into the kernel']],
    async run({ kmod, arguments: [name], signal }): Promise<Answer> {
      const status = await kmod.status(name!, { signal })
      return { value: status, text: () => status }
    },
  },
  {
    name: 'info',
    group: 'Inspect',
    summary: 'show what the file of a module, the kernel and modprobe.d say about it',
    arguments: [{ ...ANY, help: 'the name of a module, or a .ko file' }],
    options: [],
    examples: [
      ['info e1000e', 'parameters with their values, aliases, configuration'],
      ['info ./driver.ko', 'a file that is not installed'],
    ],
    async run({ kmod, arguments: [name], signal, out }): Promise<Answer> {
      const info = await kmod.info(isModuleFile(name!) ? { file: name! } : name!, { signal })
      return { value: info, text: () => infoText(out, info) }
    },
  },
  {
    name: 'holders',
    group: 'Inspect',
    summary: 'print the loaded modules that use a module',
    arguments: [LOADED],
    options: [],
    examples: [['holders snd_pcm', 'one name a line']],
    async run({ kmod, arguments: [name], signal }): Promise<Answer> {
      const holders = await kmod.holders(name!, { signal })
      return { value: holders, text: () => holders.join('\n') }
    },
  },
  {
    name: 'resolve',
    group: 'Inspect',
    summary: 'print the modules that an alias stands for',
    arguments: [{ ...ANY, help: 'a name or an alias' }],
    options: [],
    examples: [['resolve fs-vfat', 'prints vfat']],
    async run({ kmod, arguments: [name], signal }): Promise<Answer> {
      const modules = await kmod.resolve(name!, { signal })
      return { value: modules, text: () => modules.join('\n') }
    },
  },
  {
    name: 'preflight',
    group: 'Inspect',
    summary: 'say whether modules can be unloaded here, and why not',
    arguments: [],
    options: [],
    examples: [['preflight', 'a first look at a new machine']],
    async run({ kmod, signal, out }): Promise<Answer> {
      const answer = await kmod.preflight({ signal })
      return { value: answer, text: () => preflightText(out, answer) }
    },
  },
]
