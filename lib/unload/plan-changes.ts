/** How two plans differ. */
import { printable } from '../contract/printable'
import type { Blocker, UnloadPlan } from '../contract/types'

/** The parts of a plan that are compared: a line for each step, blocker and effect. */
export interface PlanOutline {
  steps: string[]
  blockers: string[]
  effects: string[]
}

/**
 * The outline has no messages and no figures of blockers, because they change all the time. The plan
 * may come from JSON, so every field of it may be missing or have a wrong type.
 */
export function outlineOf({
  steps,
  blockers,
  effects,
}: Pick<UnloadPlan, 'steps' | 'blockers' | 'effects'>): PlanOutline {
  return {
    steps: steps.map(stepText),
    blockers: blockers.map(blockerText),
    effects: effects.map(effectText),
  }
}

/** A sentence for each difference; none if both plans would do the same. */
export function planChanges(given: PlanOutline, now: PlanOutline): string[] {
  const changes = [
    ...differences('a step', given.steps, now.steps),
    ...differences('a blocker', given.blockers, now.blockers),
    ...differences('an effect', given.effects, now.effects),
  ]
  if (changes.length === 0 && now.steps.join('\n') !== given.steps.join('\n')) {
    changes.push(`The order of the steps is now: ${now.steps.join(', ')}.`)
  }
  return changes
}

function differences(what: string, given: readonly string[], now: readonly string[]): string[] {
  const added = new Set(now.filter((one) => !given.includes(one)))
  const missing = new Set(given.filter((one) => !now.includes(one)))
  return [
    ...[...added].map((one) => `Now ${what}, and not in the given plan: ${one}.`),
    ...[...missing].map((one) => `No longer ${what}: ${one}.`),
  ]
}

function stepText(step: unknown): string {
  const { action, module, reason, shell } = texts(step)
  const { command: argv } = (step ?? {}) as { command?: unknown }
  const command = Array.isArray(argv)
    ? ` by ${printable(argv.join(' '))}`
    : shell && ` with the command "${shell}"`
  return `${action} module ${module} (${reason})${command}`
}

function blockerText(blocker: unknown): string {
  const { code, module, shell } = texts(blocker)
  const { kind, subject } = texts(
    (blocker as Partial<Blocker & { code: 'ERR_KMOD_CRITICAL' }> | null)?.effect,
  )
  return `${code} of module ${module}${shell && `, "${shell}"`}${kind && `, ${kind} of ${subject}`}`
}

function effectText(effect: unknown): string {
  const { kind, subject } = texts(effect)
  return `${kind} of ${subject}`
}

const FIELDS = ['action', 'module', 'reason', 'shell', 'code', 'kind', 'subject'] as const

/** A field that is missing or not a text is ''. */
function texts(value: unknown): Record<(typeof FIELDS)[number], string> {
  const fields = FIELDS.map((key) => {
    const field = (value as Record<string, unknown> | null | undefined)?.[key]
    return [key, typeof field === 'string' ? printable(field) : '']
  })
  return Object.fromEntries(fields) as ReturnType<typeof texts>
}
