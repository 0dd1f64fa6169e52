/** Reports of changes, with the messages of the kernel. */
import { printable } from '../../contract/printable'
import type { KernelHealth, LoadReport, ReapReport, ReloadReport, UnloadReport } from '../../index'
import type { Screen } from '../screen'
import { forCommandLine } from './advice'
import { KEPT } from './plan'
import { table } from './table'
import { effectsText, userName } from './usage'
import { shellCommand, time } from './words'

export function unloadReportText(
  screen: Screen,
  report: UnloadReport,
  milliseconds: number,
): string {
  const { removed, absent, kept, reappeared, effects } = report
  const lines = [
    removed.length > 0
      ? screen.paint.green(`Removed ${removed.join(', ')} in ${time(milliseconds)}.`)
      : 'Nothing was removed.',
  ]
  if (absent.length > 0) lines.push(`Not loaded: ${absent.join(', ')}.`)
  if (kept.length > 0) {
    const remarks = kept.map(({ module, reason }) => `${module} (${KEPT[reason]})`)
    lines.push(`Stays: ${remarks.join(', ')}.`)
  }
  if (reappeared.length > 0) lines.push(`Loaded again by something else: ${reappeared.join(', ')}.`)
  if (effects.length > 0) {
    lines.push('What stopped working:', effectsText(screen, effects, '  '))
  }
  return [...lines, ...restoredLines(report), ...healthLines(screen, report)].join('\n')
}

/** What a call that failed had done before. */
export function failedReportText(screen: Screen, report: UnloadReport): string {
  const { removed } = report
  const lines = removed.length > 0 ? [`Removed before the failure: ${removed.join(', ')}.`] : []
  return [...lines, ...restoredLines(report), ...healthLines(screen, report)].join('\n')
}

function restoredLines(report: UnloadReport): string[] {
  const { released, restored, notRestored, parametersLost } = report
  return [
    ...released.map(
      ({ command, undone }) =>
        `Released: ${shellCommand(command)}${undone ? ', and put back' : ''}.`,
    ),
    ...(restored.length > 0 ? [`Loaded again: ${restored.join(', ')}.`] : []),
    ...notRestored.map(
      ({ module, user, message }) =>
        `Not restored: ${user === undefined ? module : printable(userName(user))}. ${printable(message)}`,
    ),
    ...parametersLost.map(
      ({ module, name, before, after }) =>
        `Parameter ${module}.${name} was ${printable(before ?? 'unknown')}, is ${printable(after ?? 'unknown')}.`,
    ),
  ]
}

export function reloadReportText(
  screen: Screen,
  report: ReloadReport,
  milliseconds: number,
): string {
  const loaded = screen.paint.green(`Loaded ${report.loaded.join(', ')}.`)
  return `${unloadReportText(screen, report, milliseconds)}\n${loaded}`
}

export function reapReportText(screen: Screen, report: ReapReport): string {
  const { removed, tagged, spared, blocked } = report
  const rows = [
    ['removed', removed.join(', ')],
    ['tagged', tagged.join(', ')],
    ['spared', spared.map(({ module, reason }) => `${module} (${reason})`).join(', ')],
    ...blocked.map(({ message }) => ['blocked', printable(forCommandLine(message))]),
  ].filter(([, modules]) => modules !== '')
  return rows.length === 0 ? 'No candidate is loaded.' : table(screen, rows)
}

export function loadReportText(screen: Screen, report: LoadReport): string {
  const { module, loaded, alreadyLoaded } = report
  const line = alreadyLoaded
    ? `${module} was loaded already.`
    : screen.paint.green(`Loaded ${loaded.join(', ')}.`)
  return [line, ...healthLines(screen, report)].join('\n')
}

function healthLines(screen: Screen, { newTaints, messages, clean }: KernelHealth): string[] {
  const { red, dim } = screen.paint
  return [
    ...(newTaints.length > 0 ? [red(`New taints of the kernel: ${newTaints.join(', ')}.`)] : []),
    ...(clean === false ? [red('The kernel reported a fault:')] : []),
    ...kernelLogLines(screen, messages, clean === false ? '' : dim('The kernel said:')),
  ]
}

/** `title`: a line before the messages; `''`: none. */
export function kernelLogLines(
  screen: Screen,
  messages: readonly string[] | null,
  title: string,
): string[] {
  if (messages === null || messages.length === 0) return []
  const lines = messages.map((message) => screen.paint.dim(`  ${printable(message)}`))
  return title === '' ? lines : [title, ...lines]
}
