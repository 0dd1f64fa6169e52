/** The parts of a verb of the command line. Help, man page and completion are made from them too. */
import type { Kmod } from '../index'
import type { Screen } from './screen'

export interface Argument {
  name: string
  help: string
  optional?: boolean
  /** It can be repeated; only the last argument of a verb. */
  several?: boolean
  /** What a shell offers: loaded modules, all modules of this kernel and files, folders, or these words. */
  completes: 'loaded' | 'modules' | 'folders' | readonly string[]
}

export interface Option {
  /** In kebab-case. A name that begins with `no-` switches off what is on by default. */
  name: string
  /** A letter. */
  short?: string
  /** What its value is called in the help. An option without it is a flag. */
  value?: string
  help: string
  /** What a shell offers as the value. */
  words?: readonly string[] | 'folders' | 'files'
  /** Turns the text into the value. Throws an InvalidArgumentError of commander. Default: the text. */
  parse?: (text: string, before: unknown) => unknown
}

/** One call of a verb. */
export interface Call {
  kmod: Kmod
  arguments: string[]
  /** The options that were given, in camelCase. */
  options: Record<string, unknown>
  json: boolean
  signal: AbortSignal
  /** Where the answer is printed. */
  out: Screen
  /** Where questions and progress are printed. */
  err: Screen
}

/** What a verb prints, and its exit status. */
export interface Answer {
  /** The document of `--json`. */
  value: unknown
  /** The same for people; `''`: nothing. */
  text: () => string
  /** Printed last, on stderr. */
  note?: string
  /** Default: 0. */
  status?: number
}

export interface Verb {
  name: string
  alias?: string
  /** The heading in the list of verbs. */
  group: 'Inspect' | 'Plan and change' | 'Explain' | 'Follow' | 'Other'
  /** One line, for the list of verbs. */
  summary: string
  /** More, for the help of the verb. */
  description?: string
  arguments: readonly Argument[]
  options: readonly Option[]
  /** Command lines without `node-kmod`, and what they do. */
  examples: readonly (readonly [command: string, meaning: string])[]
  /** Each answer of an iterable is printed at once; with `--json`, each document is one line. */
  run(call: Call): Promise<Answer> | AsyncIterable<Answer>
}
