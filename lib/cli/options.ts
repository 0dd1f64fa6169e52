/** The options that verbs share. They are those of the calls, in kebab-case. */
import { InvalidArgumentError } from 'commander'
import { EFFECT_KINDS, RELEASE_KINDS } from '../contract/options'
import type { Option } from './verb'

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000 }

/** Milliseconds. */
export function duration(text: string): number {
  if (text === '0') return 0
  const [, figure, unit = ''] = /^(\d+(?:\.\d+)?)(ms|s|m)$/.exec(text) ?? []
  if (figure === undefined) {
    const unitMissing = /^\d+(\.\d+)?$/.test(text) ? ` Did you mean ${text}s?` : ''
    throw new InvalidArgumentError(
      `A time is a number with its unit: 500ms, 30s or 2m.${unitMissing}`,
    )
  }
  return Number(figure) * UNITS[unit]!
}

function durationOrNever(text: string): number {
  return text === 'infinity' ? Infinity : duration(text)
}

/** Adds to the values of the same option that came before. */
function listed(text: string, before: unknown): string[] {
  const values = text.split(',').filter((value) => value !== '')
  return [...((before as string[] | undefined) ?? []), ...values]
}

/** The subject of an effect may contain commas: a comma counts only before the name of a kind. */
function effects(text: string, before: unknown): string[] {
  const commas = new RegExp(`,(?=(?:${EFFECTS.join('|')})(?:[:,]|$))`)
  return [...((before as string[] | undefined) ?? []), ...text.split(commas)]
}

/** `NAME=VALUE`. The value may contain `=` and commas. */
function parameter(text: string, before: unknown): Record<string, string> {
  return { ...(before as Record<string, string> | undefined), ...parameterOf(text) }
}

export function parameterOf(text: string): Record<string, string> {
  const equals = text.indexOf('=')
  if (equals < 1) {
    throw new InvalidArgumentError('A parameter is NAME=VALUE, such as numdummies=2.')
  }
  return { [text.slice(0, equals)]: text.slice(equals + 1) }
}

const EFFECTS = Object.keys(EFFECT_KINDS)
const RELEASES = Object.keys(RELEASE_KINDS)

/** Options of the program: every verb takes them. */
export const SYSTEM_OPTIONS: readonly Option[] = [
  {
    name: 'root',
    value: 'DIR',
    help: 'look at another root: a captured system or an image; only to inspect it',
    words: 'folders',
  },
  {
    name: 'kernel-release',
    value: 'RELEASE',
    help: 'the folder in lib/modules (default: that of the running kernel)',
  },
  {
    name: 'module-directory',
    value: 'DIR',
    help: 'where the modules and their index are',
    words: 'folders',
  },
  {
    name: 'config-paths',
    value: 'PATH,...',
    help: 'the modprobe.d folders and files',
    words: 'folders',
    parse: listed,
  },
  {
    name: 'timeout',
    value: 'TIME',
    help: 'how long the system may take to answer one question (default: 10s)',
    parse: duration,
  },
]

export const JSON_OPTION: Option = {
  name: 'json',
  help: 'print one JSON document and nothing else (watch, trace: one a line)',
}

export const YES_OPTION: Option = {
  name: 'yes',
  help: 'do not ask, also if something stops working',
}

export const DRY_RUN: Option = { name: 'dry-run', help: 'print the plan and change nothing' }

export const FORCE: Option = {
  name: 'force',
  help: 'remove a module although it has references or no exit function; the kernel can crash',
}

export const HUNG_AFTER: Option = {
  name: 'hung-after',
  value: 'TIME',
  help: 'how long one change may take inside the kernel (default: 30s), or infinity',
  parse: durationOrNever,
}

export const PARAMETERS: Option = {
  name: 'parameters',
  value: 'NAME=VALUE',
  help: 'a parameter of the module; can be repeated',
  parse: parameter,
}

export const MUST_BE_NEW: Option = {
  name: 'must-be-new',
  help: 'fail if the module is loaded already',
}

export const FILES: Option = {
  name: 'files',
  value: 'FILE,...',
  help: 'more .ko files, from which dependencies of a .ko file are loaded',
  parse: listed,
}

export const MODULES: Option = {
  name: 'modules',
  value: 'NAME,...',
  help: 'only events of these modules, as the arguments',
  parse: listed,
}

export const REAP_OPTIONS: readonly Option[] = [
  {
    name: 'candidates',
    value: 'GLOB,...',
    help: 'modules that may be removed, as the arguments',
    parse: listed,
  },
  {
    name: 'keep',
    value: 'GLOB,...',
    help: 'modules that are never removed',
    parse: listed,
  },
  {
    name: 'interval',
    value: 'TIME',
    help: 'the pause between two passes (default: 3m)',
    parse: duration,
  },
  { name: 'dry-run', help: 'print what would be removed, and remove nothing' },
]

export const PLAN_OPTIONS: readonly Option[] = [
  {
    name: 'holders',
    value: 'refuse|remove',
    help: 'remove: modules that use the targets are removed too (default: refuse)',
    words: ['refuse', 'remove'],
  },
  {
    name: 'dependencies',
    value: 'unused|keep',
    help: 'keep: modules that only removed modules used stay (default: unused)',
    words: ['unused', 'keep'],
  },
  { name: 'no-soft-dependencies', help: 'soft dependencies of modprobe.d stay' },
  {
    name: 'commands',
    value: 'refuse|run|skip',
    help: 'what happens with a remove command of modprobe.d (default: refuse)',
    words: ['refuse', 'run', 'skip'],
  },
  {
    name: 'guard',
    value: 'refuse|strict|off',
    help: 'refuse: a critical effect blocks; strict: a disruptive one too (default: refuse)',
    words: ['refuse', 'strict', 'off'],
  },
  {
    name: 'allow',
    value: 'EFFECT,...',
    help: 'effects that the guard accepts: KIND or KIND:SUBJECT, such as default-route:wlan0',
    words: EFFECTS,
    parse: effects,
  },
  {
    name: 'release',
    value: 'KIND,...',
    help: `users that may be released first: ${RELEASES.join(', ')}`,
    words: RELEASES,
    parse: listed,
  },
  FORCE,
  { name: 'must-be-loaded', help: 'fail if a module is not loaded' },
  { name: 'allow-unknown', help: 'accept unknown names, as of an uninstalled module' },
]

export const RUN_OPTIONS: readonly Option[] = [
  {
    name: 'wait',
    value: 'TIME',
    help: 'how long to keep trying while a module is in use: 500ms, 30s, 2m (default: 0)',
    parse: duration,
  },
  {
    name: 'wait-for',
    value: 'BLOCKER,...',
    help: 'what --wait waits for: in-use, transient, held (default: in-use,transient)',
    words: ['in-use', 'transient', 'held'],
    parse: listed,
  },
  HUNG_AFTER,
  {
    name: 'settle',
    value: 'TIME',
    help: 'how long to check that what was removed is not loaded again (default: 0)',
    parse: duration,
  },
  {
    name: 'on-failure',
    value: 'stop|restore',
    help: 'restore: if a step fails, what was removed is loaded again (default: stop)',
    words: ['stop', 'restore'],
  },
]

/** The option of a call that an option of the command line stands for. */
export function propertyOf({ name }: Option): string {
  return name.replace(/^no-/, '').replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase())
}

/** Of the given options, those in the list. The call itself checks their values. */
export function pick(given: Record<string, unknown>, options: readonly Option[]): object {
  const names = options.map(propertyOf)
  return Object.fromEntries(Object.entries(given).filter(([name]) => names.includes(name)))
}
