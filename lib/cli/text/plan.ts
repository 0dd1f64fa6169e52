/** A plan as a tree: what is removed, in which order, what stays, what blocks, what would stop working. */
import { printable } from '../../contract/printable'
import type { Blocker, Effect, Kept, LoadedModule, UnloadPlan, UnloadStep, User } from '../../index'
import type { Screen } from '../screen'
import { forCommandLine } from './advice'
import { paragraph } from './table'
import { effectsText, unreadableLines, userName, usersText } from './usage'
import { count, shellCommand } from './words'

const REASONS: Readonly<Record<string, string>> = {
  target: 'asked for',
  holder: 'uses what is removed',
  dependency: 'nothing else uses it',
  'soft-dependency': 'soft dependency',
  user: 'releases the module',
}

/** Why a module stays. */
export const KEPT: Readonly<Record<Kept['reason'], string>> = {
  held: 'another module uses it',
  'in-use': 'it is in use',
  effect: 'something would stop working',
  device: 'it drives a device that is present',
  permanent: 'it has no exit function',
  transient: 'it is being loaded or unloaded',
  command: 'modprobe.d has a remove command for it',
  configured: 'it is configured to be loaded at boot',
  option: 'an option keeps it',
}

/**
 * `modules`: the loaded modules, for the tree; a module that is not among them stands at the left.
 * `effects`: those of the plan, or the answer of impact() if the plan does not look for effects.
 */
export function planText(
  screen: Screen,
  plan: UnloadPlan,
  modules: readonly LoadedModule[],
  effects: readonly Effect[] = plan.effects,
): string {
  const { dim, bold, red } = screen.paint
  const { steps, absent, blockers, feasible } = plan
  const parts: string[] = []
  if (absent.length > 0) parts.push(`Not loaded: ${absent.join(', ')}.`)
  if (blockers.length > 0) parts.push(`${red('Blocked:')}\n${blockersText(screen, blockers)}`)
  if (steps.length > 0) {
    const title = feasible ? 'In this order:' : 'If nothing blocked, in this order:'
    const lines = treeLines(plan, modules).map(
      ({ number, drawing, name, remark }) =>
        `  ${number.padStart(String(steps.length).length)}  ${dim(drawing)}${number === '' ? dim(name) : bold(name)}  ${dim(remark)}`,
    )
    parts.push([title, ...lines].join('\n'))
  } else if (feasible) {
    parts.push('Nothing is to be removed.')
  }
  if (effects.length > 0) {
    parts.push(`What would stop working:\n${effectsText(screen, effects, '  ')}`)
  }
  if (plan.unreadable.length > 0) parts.push(unreadableLines(screen, plan.unreadable).join('\n'))
  return parts.join('\n\n')
}

function blockersText(screen: Screen, blockers: readonly Blocker[]): string {
  return blockers
    .map((blocker) => {
      const line = paragraph(screen, `${blockerSentence(blocker)} (${blocker.code})`, '  ')
      const users = blocker.code === 'ERR_KMOD_IN_USE' ? blocker.users : []
      return users.length === 0 ? line : `${line}\n${usersText(screen, users, '    ')}`
    })
    .join('\n')
}

/** The same blocker with the users that were found for it. */
export function withUsers(blocker: Blocker, users: User[]): Blocker {
  return blocker.code === 'ERR_KMOD_IN_USE' ? { ...blocker, users } : blocker
}

/** The blocker as a sentence. It does not name the users of a busy module if a table shows them. */
export function blockerSentence(blocker: Blocker): string {
  if (blocker.code === 'ERR_KMOD_IN_USE' && blocker.users.length > 0) {
    return `Module ${blocker.module} is in use: ${count(blocker.references, 'reference')} not held by modules.`
  }
  return printable(forCommandLine(blocker.message))
}

/** For a plan that is not carried out, because it has changed. `changes`: sentences. */
export function changedPlanText(changes: readonly string[]): string {
  const sentences = [
    'The plan has changed since it was shown. Nothing was changed.',
    ...changes,
    'Run the command again to see the new plan.',
  ]
  return sentences.join(' ')
}

interface TreeLine {
  /** Of the step; '' for a module that stays. */
  number: string
  drawing: string
  name: string
  remark: string
}

interface Node {
  number: string
  name: string
  remark: string
  children: Node[]
}

/** Each module stands below a module that uses it: of several, below the one that is removed last. */
function treeLines(plan: UnloadPlan, modules: readonly LoadedModule[]): TreeLine[] {
  const holdersOf = new Map(modules.map(({ name, holders }) => [name, holders]))
  const roots: Node[] = []
  const placed = new Map<string, Node>()
  const place = (node: Node, module: string): void => {
    const holders = holdersOf.get(module) ?? []
    // A Map keeps the order in which the modules are removed.
    const parent = [...placed].filter(([name]) => holders.includes(name)).at(-1)?.[1]
    ;(parent?.children ?? roots).push(node)
  }
  plan.steps.forEach((step, index) => {
    const node = { number: String(index + 1), ...stepNode(step), children: [] }
    if (REMOVALS.has(step.action)) {
      place(node, step.module)
      placed.set(step.module, node)
    } else roots.push(node)
  })
  for (const { module, reason } of plan.kept) {
    place({ number: '', name: module, remark: `stays: ${KEPT[reason]}`, children: [] }, module)
  }
  return roots.flatMap((root) => linesOf(root, '', ''))
}

const REMOVALS: ReadonlySet<string> = new Set(['remove', 'run'])

function stepNode(step: UnloadStep): { name: string; remark: string } {
  if (step.action === 'release') {
    const { user, command, module } = step
    return {
      name: shellCommand(command),
      remark: `releases ${module}: ${printable(userName(user))}`,
    }
  }
  if (step.action === 'load') return { name: step.module, remark: 'is loaded again' }
  const reason = REASONS[step.reason] ?? step.reason
  if (step.action === 'run') {
    return { name: step.module, remark: `${reason}; runs: ${printable(step.shell)}` }
  }
  const undecided =
    step.undecided === undefined
      ? ''
      : `; ${step.undecided} of its references may belong to modules above it; the kernel decides`
  return { name: step.module, remark: `${reason}${undecided}` }
}

/** `first`: what is drawn before the node; `rest`: what is drawn before the nodes below it. */
function linesOf(
  { number, name, remark, children }: Node,
  first: string,
  rest: string,
): TreeLine[] {
  const last = children.length - 1
  return [
    { number, name, remark, drawing: first },
    ...children.flatMap((child, index) =>
      linesOf(
        child,
        `${rest}${index === last ? '└─ ' : '├─ '}`,
        `${rest}${index === last ? '   ' : '│  '}`,
      ),
    ),
  ]
}
