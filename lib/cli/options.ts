/** The options that verbs share. They are those of the calls, in kebab-case. */
import { EFFECT_KINDS, RELEASE_KINDS } from '../contract/options'
import { assignments, choice, flag, list, time, timeLimit } from './option-kinds'
import type { Option } from './verb'

const EFFECTS = Object.keys(EFFECT_KINDS)
const RELEASES = Object.keys(RELEASE_KINDS)

/** The subject of an effect may contain commas: a comma counts only before the name of a kind. */
function effects(text: string, before: unknown): string[] {
  const commas = new RegExp(`,(?=(?:${EFFECTS.join('|')})(?:[:,]|$))`)
  return [...((before as string[] | undefined) ?? []), ...text.split(commas)]
}

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
  list('config-paths', 'PATH', 'the modprobe.d folders and files', { words: 'folders' }),
  time('timeout', 'how long the system may take to answer one question (default: 10s)'),
]

export const JSON_OPTION = flag(
  'json',
  'print one JSON document and nothing else (watch, trace: one a line)',
)

export const YES_OPTION = flag('yes', 'do not ask, also if something stops working')

export const DRY_RUN = flag('dry-run', 'print the plan and change nothing')

export const FORCE = flag(
  'force',
  'remove a module although it has references or no exit function; the kernel can crash',
)

export const HUNG_AFTER = timeLimit(
  'hung-after',
  'how long one change may take inside the kernel (default: 30s), or infinity',
)

export const PARAMETERS = assignments('parameters', 'a parameter of the module')

export const MUST_BE_NEW = flag('must-be-new', 'fail if the module is loaded already')

export const FILES = list(
  'files',
  'FILE',
  'more .ko files, from which dependencies of a .ko file are loaded',
)

export const MODULES = list('modules', 'NAME', 'only events of these modules, as the arguments')

export const REAP_OPTIONS: readonly Option[] = [
  list('candidates', 'GLOB', 'modules that may be removed, as the arguments'),
  list('keep', 'GLOB', 'modules that are never removed'),
  time('interval', 'the pause between two passes (default: 3m)'),
  flag('dry-run', 'print what would be removed, and remove nothing'),
]

export const PLAN_OPTIONS: readonly Option[] = [
  choice(
    'holders',
    ['refuse', 'remove'],
    'remove: modules that use the targets are removed too (default: refuse)',
  ),
  choice(
    'dependencies',
    ['unused', 'keep'],
    'keep: modules that only removed modules used stay (default: unused)',
  ),
  flag('no-soft-dependencies', 'soft dependencies of modprobe.d stay'),
  choice(
    'commands',
    ['refuse', 'run', 'skip'],
    'what happens with a remove command of modprobe.d (default: refuse)',
  ),
  choice(
    'guard',
    ['refuse', 'strict', 'off'],
    'refuse: a critical effect blocks; strict: a disruptive one too (default: refuse)',
  ),
  list(
    'allow',
    'EFFECT',
    'effects that the guard accepts: KIND or KIND:SUBJECT, such as default-route:wlan0',
    { words: EFFECTS, parse: effects },
  ),
  list('release', 'KIND', `users that may be released first: ${RELEASES.join(', ')}`, {
    words: RELEASES,
  }),
  FORCE,
  flag('must-be-loaded', 'fail if a module is not loaded'),
  flag('allow-unknown', 'accept unknown names, such as that of an uninstalled module'),
]

export const RUN_OPTIONS: readonly Option[] = [
  time('wait', 'how long to keep trying while a module is in use: 500ms, 30s, 2m (default: 0)'),
  list(
    'wait-for',
    'BLOCKER',
    'what --wait waits for: in-use, transient, held (default: in-use,transient)',
    { words: ['in-use', 'transient', 'held'] },
  ),
  HUNG_AFTER,
  time('settle', 'how long to check that what was removed is not loaded again (default: 0)'),
  choice(
    'on-failure',
    ['stop', 'restore'],
    'restore: if a step fails, what was removed is loaded again (default: stop)',
  ),
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
