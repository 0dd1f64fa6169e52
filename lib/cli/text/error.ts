/** An error as people and programs read it: what is wrong, what uses the module, what was done before, what to do. */
import { printable } from '../../contract/printable'
import { isKmodError, KmodError } from '../../index'
import type { Screen } from '../screen'
import { forCommandLine } from './advice'
import { blockerSentence, changedPlanText, withUsers } from './plan'
import { failedReportText, kernelLogLines } from './report'
import { paragraph } from './table'
import { usersText } from './usage'

/** `rerun`: the same command as root, or null where that would not help. */
export function errorText(screen: Screen, error: unknown, rerun: string | null): string {
  const title = screen.paint.red('node-kmod:')
  const lines = [paragraph(screen, `${title} ${messageOf(error)}`)]
  if (isKmodError(error)) lines.push(...detailLines(screen, error))
  if (rerun !== null) lines.push(`As root: ${screen.paint.cyan(rerun)}`)
  return lines.join('\n')
}

function messageOf(error: unknown): string {
  if (isKmodError(error, 'ERR_KMOD_IN_USE') && error.module !== undefined) {
    const { code, message, module, references, users = [] } = error
    return blockerSentence({ code, message, module, references, users })
  }
  if (isKmodError(error, 'ERR_KMOD_TIMEOUT')) {
    const { message, blocker } = error
    const sentence = blockerSentence(withUsers(blocker, error.users))
    return message.endsWith(blocker.message)
      ? printable(message.slice(0, -blocker.message.length)) + sentence
      : printable(forCommandLine(message))
  }
  if (isKmodError(error, 'ERR_KMOD_PLAN_CHANGED')) return printable(changedPlanText(error.changes))
  return printable(forCommandLine(error instanceof Error ? error.message : String(error)))
}

function detailLines(screen: Screen, error: KmodError): string[] {
  const { users = [], output, kernelStack, messages, loaded, report } = error
  const lines: string[] = []
  if (users.length > 0) lines.push(usersText(screen, users, '  '))
  // A short output is a part of the message.
  if (output !== undefined && !error.message.includes(output.trim())) {
    lines.push('The command printed:', ...indented(output))
  }
  if (typeof kernelStack === 'string') {
    lines.push('Where it is in the kernel:', ...indented(kernelStack))
  }
  if (loaded !== undefined && loaded.length > 0) {
    lines.push(`Loaded before the failure: ${loaded.join(', ')}.`)
  }
  if (messages !== undefined) lines.push(...kernelLogLines(screen, messages, 'The kernel said:'))
  const done = report === undefined ? '' : failedReportText(screen, report)
  return done === '' ? lines : [...lines, done]
}

function indented(text: string): string[] {
  return text
    .trimEnd()
    .split('\n')
    .map((line) => `  ${printable(line)}`)
}

/** An error as the document of `--json` has it. */
export function errorJson(error: unknown): Record<string, unknown> {
  if (error instanceof KmodError) return error.toJSON()
  if (!(error instanceof Error)) return { name: 'Error', message: String(error) }
  const { name, message, code } = error as NodeJS.ErrnoException
  return { name, message, ...(code !== undefined && { code }) }
}
