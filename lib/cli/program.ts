/** The program for commander: how the arguments are parsed, and the help. */
import { Command, Help, Option as CommanderOption } from 'commander'
import { JSON_OPTION, SYSTEM_OPTIONS } from './options'
import type { Argument, Option, Verb } from './verb'
import { VERBS } from './verbs/table'

export const DESCRIPTION =
  'Unload Linux kernel modules from a running system safely: plan, explain, guard, unload, verify.'

/** `package.json` of this package, seen from lib/cli and from dist/cli. */
// eslint-disable-next-line @typescript-eslint/no-require-imports -- outside the sources
export const { version: VERSION } = require('../../package.json') as { version: string }

const HELP = 'explain the usage'

/** What a command line asks for. */
export interface Request {
  verb: Verb
  arguments: string[]
  /** The options that were given, those of the program too. */
  options: Record<string, unknown>
}

export interface Outputs {
  out: (text: string) => void
  err: (text: string) => void
}

/**
 * Throws a CommanderError for wrong usage, after it has printed what is wrong, and for --help and
 * --version, with exit code 0.
 */
export function parse(args: readonly string[], { out, err }: Outputs): Request {
  let request: Request | undefined
  const program = createProgram((asked) => (request = asked))
  for (const command of [program, ...program.commands]) {
    command.exitOverride().configureOutput({
      writeOut: out,
      writeErr: err,
      outputError: (text, write) => write(text.replace(/^error: /, 'node-kmod: ')),
    })
  }
  program.parse(args, { from: 'user' })
  return request!
}

function createProgram(onRequest: (request: Request) => void): Command {
  const program = new Command('node-kmod')
    .description(DESCRIPTION)
    .version(VERSION)
    .usage('VERB [ARGUMENTS] [OPTIONS]')
    .configureHelp({
      subcommandTerm: (command) => [command.name(), ...command.aliases()].join(', '),
    })
    .helpOption('-h, --help', HELP)
    .helpCommand(false)
    .showHelpAfterError('Try: node-kmod --help')
    .addHelpText('after', "\n'node-kmod VERB --help' has the options of a verb, and examples.")
  for (const option of [JSON_OPTION, ...SYSTEM_OPTIONS]) program.addOption(commanderOption(option))
  for (const verb of VERBS) {
    const command = program
      .command(verb.name)
      .summary(verb.summary)
      .description([verb.summary, verb.description].filter(Boolean).map(sentence).join(' '))
      .configureHelp({ showGlobalOptions: true, visibleGlobalOptions: otherGlobalOptions })
      .helpOption('-h, --help', HELP)
      .helpGroup(`${verb.group}:`)
      .addHelpText('after', examplesText(verb))
    command.showHelpAfterError(`Try: node-kmod ${verb.name} --help`)
    if (verb.alias !== undefined) command.alias(verb.alias)
    for (const argument of verb.arguments) command.argument(argumentText(argument), argument.help)
    for (const option of verb.options) command.addOption(commanderOption(option))
    command.action(() =>
      onRequest({ verb, arguments: command.args, options: givenOptions(command) }),
    )
  }
  return program
}

/** The options of the program, without those that the verb replaces by one of the same name. */
function otherGlobalOptions(this: Help, command: Command): CommanderOption[] {
  const own = command.options.map(({ long }) => long)
  const all = Help.prototype.visibleGlobalOptions.call(this, command)
  return all.filter(({ long }) => !own.includes(long))
}

/** In the notation that commander, the man page and the help share: `<NAME...>`, `[NAME]`. */
export function argumentText({ name, optional = false, several = false }: Argument): string {
  const text = several ? `${name}...` : name
  return optional ? `[${text}]` : `<${text}>`
}

export function optionText({ name, short, value }: Option): string {
  const flags = short === undefined ? `--${name}` : `-${short}, --${name}`
  return value === undefined ? flags : `${flags} <${value}>`
}

function commanderOption(option: Option): CommanderOption {
  const created = new CommanderOption(optionText(option), option.help)
  return option.parse === undefined ? created : created.argParser(option.parse)
}

export function sentence(text: string | undefined): string {
  if (text === undefined) return ''
  const begin = text.charAt(0).toUpperCase() + text.slice(1)
  return begin.endsWith('.') ? begin : `${begin}.`
}

function examplesText({ examples }: Verb): string {
  const lines = examples.flatMap(([command, meaning]) => [
    `  node-kmod ${command}`,
    `      ${meaning}`,
  ])
  return ['', 'Examples:', ...lines].join('\n')
}

/** Without the defaults, which are those of the calls. */
function givenOptions(command: Command): Record<string, unknown> {
  const all = Object.entries(command.optsWithGlobals())
  return Object.fromEntries(
    all.filter(([name]) => command.getOptionValueSourceWithGlobals(name) === 'cli'),
  )
}
