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
  // Quotes can enclose a value or a whole word. Source: next_arg() in lib/cmdline.c.
  for (const [word] of text.matchAll(/(?:"[^"]*"|[^\s"])+/g)) {
    const [key = '', ...rest] = word.replaceAll('"', '').split('=')
    const names = rest.join('=').split(',').filter(Boolean)
    // The kernel uses only the last module_blacklist=; systemd uses every modules-load=.
    if (key.replaceAll('-', '_') === 'module_blacklist') commandLine.blacklist = names
    else if (key === 'modules-load' || key === 'modules_load') commandLine.load.push(...names)
    // The words after `--` are arguments of init, which the kernel does not read.
    else if (word === '--') break
  }
  return commandLine
}
