/** What the kernel command line says about modules, besides what libkmod reads from it. */
import type { SystemFiles } from './system-files'

export interface CommandLine {
  /** `module_blacklist=`: modules that the kernel itself refuses to load for every process. */
  blacklist: string[]
  /** `modules-load=`: names and aliases that systemd-modules-load loads when the system starts. */
  load: string[]
}

export const EMPTY_COMMAND_LINE: CommandLine = { blacklist: [], load: [] }

export async function readCommandLine(files: SystemFiles): Promise<CommandLine> {
  const [text] = await files.readTexts(['/proc/cmdline'])
  return parseCommandLine(text ?? '')
}

export function parseCommandLine(text: string): CommandLine {
  const commandLine: CommandLine = { blacklist: [], load: [] }
  for (const { key, names } of moduleWords(text)) {
    // The kernel uses only the last module_blacklist=; systemd uses every modules-load=.
    if (key === 'module_blacklist') commandLine.blacklist = names
    else commandLine.load.push(...names)
  }
  return commandLine
}

/** The words that parseCommandLine() uses: a kernel command line can contain passwords and addresses. */
export function withoutOtherWords(text: string): string {
  const words = moduleWords(text).map(({ word }) => word)
  return `${words.join(' ')}\n`
}

function moduleWords(text: string): { word: string; key: string; names: string[] }[] {
  const found: ReturnType<typeof moduleWords> = []
  // Quotes can enclose a value or a whole word. Source: next_arg() in lib/cmdline.c.
  for (const [word] of text.matchAll(/(?:"[^"]*"|[^\s"])+/g)) {
    // The words after `--` are arguments of init, which the kernel does not read.
    if (word === '--') break
    const [spelt = '', ...rest] = word.replaceAll('"', '').split('=')
    const key = spelt.replaceAll('-', '_')
    if (key !== 'module_blacklist' && key !== 'modules_load') continue
    found.push({ word, key, names: rest.join('=').split(',').filter(Boolean) })
  }
  return found
}
