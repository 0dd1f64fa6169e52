/** The man page, from the same table as the help. `node dist/cli/man.js` prints it. */
import { EXIT_STATUSES } from './exit-status'
import { JSON_OPTION, SYSTEM_OPTIONS } from './options'
import { argumentText, DESCRIPTION, optionText, sentence, VERSION } from './program'
import type { Option, Verb } from './verb'
import { VERBS } from './verbs/table'

export function manPage(): string {
  const lines = [
    `.TH NODE-KMOD 1 "" ${quoted(`node-kmod ${VERSION}`)} "User Commands"`,
    '.SH NAME',
    roff('node-kmod - unload Linux kernel modules from a running system safely'),
    '.SH SYNOPSIS',
    '.B node-kmod',
    roff('VERB [ARGUMENTS] [OPTIONS]'),
    '.SH DESCRIPTION',
    roff(DESCRIPTION),
    ...paragraph(
      'Before anything stops working, node-kmod shows the plan and asks. The plan that was shown is the plan that runs. Times are written with their unit: 500ms, 30s, 2m. Lists are separated by commas.',
    ),
    '.SH VERBS',
    ...VERBS.flatMap(verbLines),
    '.SH OPTIONS OF EVERY VERB',
    ...[JSON_OPTION, ...SYSTEM_OPTIONS].flatMap(optionLines),
    '.SH EXIT STATUS',
    ...EXIT_STATUSES.flatMap(({ status, meaning, codes }) => [
      ...tagged(String(status), meaning),
      ...(codes.length === 0 ? [] : ['.br', roff(codes.join(', '))]),
    ]),
    '.SH ENVIRONMENT',
    ...tagged('NO_COLOR', 'if it is set, no colours'),
    ...tagged('FORCE_COLOR', 'if it is set, colours also if the output is no terminal'),
    '.SH SEE ALSO',
    '.BR modprobe (8),',
    '.BR rmmod (8),',
    '.BR lsmod (8),',
    '.BR modinfo (8),',
    '.BR modprobe.d (5)',
  ]
  return `${lines.join('\n')}\n`
}

function verbLines(verb: Verb): string[] {
  const words = [verb.name, ...verb.arguments.map(argumentText)]
  const alias = verb.alias === undefined ? [] : [`Its other name is ${verb.alias}.`]
  return [
    `.SS ${quoted(words.join(' '))}`,
    roff([sentence(verb.summary), ...alias, sentence(verb.description)].join(' ').trim()),
    ...verb.arguments.flatMap((argument) => tagged(argument.name, argument.help)),
    ...verb.options.flatMap(optionLines),
    ...verb.examples.flatMap(([command, meaning]) => [
      '.PP',
      `.B ${roff(`node-kmod ${command}`)}`,
      '.br',
      roff(sentence(meaning)),
    ]),
  ]
}

const optionLines = (option: Option): string[] => tagged(optionText(option), option.help)

/** The text begins with a small letter, because it can begin with a value of the option. */
function tagged(tag: string, text: string): string[] {
  return ['.TP', `.B ${roff(tag)}`, roff(text)]
}

const paragraph = (text: string): string[] => ['.PP', roff(text)]

/** Text of roff: a line must not begin with a control character, and a hyphen must stay a hyphen. */
function roff(text: string): string {
  return text.replaceAll('\\', '\\e').replaceAll('-', '\\-').replace(/^[.']/, '\\&$&')
}

const quoted = (text: string): string => `"${roff(text).replaceAll('"', '\\(dq')}"`

if (require.main === module) process.stdout.write(manPage())
