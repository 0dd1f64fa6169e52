/** The verb `completion`: scripts that make a shell complete verbs, options, values and module names. */
import { InvalidArgumentError } from 'commander'
import type { Answer, Argument, Option, Verb } from '../verb'
import { JSON_OPTION, SYSTEM_OPTIONS } from '../options'
import { bashScript } from './bash'
import { fishScript } from './fish'
import { zshScript } from './zsh'

/** Shell commands that print names, one a line. Shells run them at each TAB, so they start no Node.js. */
export const NAME_COMMANDS = {
  loaded: `cut -d ' ' -f 1 /proc/modules 2> /dev/null`,
  modules: `sed -n 's|^\\([^:]*/\\)\\{0,1\\}\\([^/:]*\\)\\.ko[^:]*:.*|\\2|p' /lib/modules/$(uname -r)/modules.dep 2> /dev/null`,
} as const

export const GLOBAL_OPTIONS: readonly Option[] = [JSON_OPTION, ...SYSTEM_OPTIONS]

const HELP_OPTION: Option = { name: 'help', help: 'explain the verb' }

/** What a shell offers after a verb. */
export function optionsOf(verb: Verb): readonly Option[] {
  const own = verb.options.map(({ name }) => name)
  // A verb can replace an option of the program by one of the same name.
  const others = GLOBAL_OPTIONS.filter(({ name }) => !own.includes(name))
  return [...verb.options, ...others, HELP_OPTION]
}

export function namesOf({ name, alias }: Verb): string[] {
  return alias === undefined ? [name] : [name, alias]
}

/** The argument that a shell completes: the first one, which several verbs repeat. */
export function argumentOf(verb: Verb): Argument | undefined {
  return verb.arguments[0]
}

const SCRIPTS: Readonly<Record<string, (verbs: readonly Verb[]) => string>> = {
  bash: bashScript,
  zsh: zshScript,
  fish: fishScript,
}

/** `verbs`: a function, because the list contains this verb too. */
export function completionVerb(verbs: () => readonly Verb[]): Verb {
  const shells = Object.keys(SCRIPTS)
  return {
    name: 'completion',
    group: 'Other',
    summary: 'print a script that makes a shell complete verbs, options and module names',
    arguments: [{ name: 'SHELL', help: shells.join(', '), completes: shells }],
    options: [],
    examples: [
      ['completion bash > /etc/bash_completion.d/node-kmod', 'bash'],
      ['completion zsh > /usr/local/share/zsh/site-functions/_node-kmod', 'zsh'],
      ['completion fish > ~/.config/fish/completions/node-kmod.fish', 'fish'],
    ],
    // eslint-disable-next-line @typescript-eslint/require-await -- so that it rejects and does not throw
    async run({ arguments: [shell] }): Promise<Answer> {
      const scriptOf = Object.hasOwn(SCRIPTS, shell!) ? SCRIPTS[shell!] : undefined
      if (scriptOf === undefined) {
        throw new InvalidArgumentError(
          `There is no completion for ${shell!}; there is one for ${shells.join(', ')}.`,
        )
      }
      const script = scriptOf(verbs())
      return { value: script, text: () => script }
    },
  }
}
