/** Why a module is in use, and what would stop working without it. */
import { printable } from '../../contract/printable'
import type { Effect, Usage, User } from '../../index'
import type { Screen } from '../screen'
import { forCommandLine } from './advice'
import { paragraph, table } from './table'
import { count, shellCommand } from './words'

export function usageText(screen: Screen, usage: Usage): string {
  const { module, status, refCount, unexplained, users, unreadable, permanent } = usage
  const title = screen.paint.bold(module)
  if (refCount === null && users.length === 0) {
    return [`${title}: ${statusText(usage)}`, ...unreadableLines(screen, unreadable)].join('\n')
  }
  const lines = [
    `${title}: ${status}, reference count ${refCount ?? 'unknown'}` +
      (permanent ? ', permanent (it has no exit function and cannot be unloaded)' : ''),
  ]
  if (users.length > 0) lines.push('', usersText(screen, users))
  else if (refCount === 0) lines.push('Nothing uses it.')
  if (unexplained !== null && unexplained > 0) {
    lines.push('', `${count(unexplained, 'reference')} without a known user.`)
  }
  if (unreadable.length > 0) lines.push('', ...unreadableLines(screen, unreadable))
  return lines.join('\n')
}

function statusText({ status }: Usage): string {
  if (status === 'builtin') return 'compiled into the kernel, it cannot be unloaded'
  return status === 'unloaded' ? 'not loaded' : status
}

export function unreadableLines(screen: Screen, unreadable: readonly string[]): string[] {
  if (unreadable.length === 0) return []
  const items = unreadable.map((text) => paragraph(screen, printable(text), '  '))
  const title = paragraph(screen, 'Could not be read, so something may be missing above:')
  return [title, ...items]
}

/** The users of a module, with their references. Each command has a line of its own, to be copied. */
export function usersText(screen: Screen, users: readonly User[], indent = ''): string {
  const { bold, cyan } = screen.paint
  // The users that hold references come first.
  const rank = ({ references }: User): number => (references === null ? 1 : references > 0 ? 0 : 2)
  const inOrder = [...users].sort((one, other) => rank(one) - rank(other))
  const rows = inOrder.map((user) => {
    const { text, command } = user.release
    const lines = [bold(printable(userName(user))), printable(forCommandLine(text))]
    if (command !== null) lines.push(cyan(`$ ${shellCommand(command)}`))
    return [user.references === null ? '?' : String(user.references), lines.join('\n')]
  })
  return table(screen, rows, {
    head: ['REFERENCES', 'USER, AND HOW IT RELEASES THE MODULE'],
    align: ['right'],
    indent,
  })
}

export function userName(user: User): string {
  switch (user.kind) {
    case 'module':
      return `module ${user.name}`
    case 'mount':
      return `mount ${user.path} (${user.type} on ${user.source})`
    case 'process':
      return `process ${user.pid} (${user.comm}), ${user.path}`
    case 'device':
      return `device ${user.device} (bus ${user.bus}, driver ${user.driver})`
    case 'interface':
      return `interface ${user.name} (${user.up ? 'up' : 'down'}${user.netns === null ? '' : `, in namespace ${user.netns}`})`
    case 'socket':
      return count(user.count, `${user.protocol} socket`)
    case 'swap':
      return `swap ${user.path}`
    case 'block':
      return `block device ${user.path}`
    default:
      return `${user.kind} ${user.name}${user.value === '' || user.value === user.name ? '' : ` (${user.value})`}`
  }
}

/** The most severe first. */
export function effectsText(screen: Screen, effects: readonly Effect[], indent = ''): string {
  const { red, yellow } = screen.paint
  const severe = effects.filter(({ severity }) => severity === 'critical')
  const others = effects.filter(({ severity }) => severity !== 'critical')
  const rows = [...severe, ...others].map(({ severity, kind, message }) => [
    severity === 'critical' ? red(severity) : yellow(severity),
    kind,
    printable(message),
  ])
  // A file system on a loop device is an effect of both modules.
  const unique = new Map(rows.map((row) => [row.join('\0'), row]))
  return table(screen, [...unique.values()], { indent })
}
