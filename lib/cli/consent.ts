/** Shows what a change would do, and asks for consent if something that works would stop. */
import { createInterface } from 'node:readline/promises'
import type { Effect, KmodErrorCode, UnloadOptions, UnloadPlan, WaitedFor } from '../index'
import { DONE, USAGE } from './exit-status'
import { planText } from './text/plan'
import type { Answer, Call } from './verb'

/** What a change would do. */
export interface Proposal {
  plan: UnloadPlan
  /** Of everything that is removed, also where the plan itself does not look for effects. */
  effects: readonly Effect[]
}

/**
 * The plan, and the effects of its steps: with the guard off, the plan does not look for them. The plan
 * checks the options of the run too, before anybody is asked.
 */
export async function propose(
  { kmod, signal }: Call,
  names: readonly string[],
  options: UnloadOptions,
): Promise<Proposal> {
  const plan = await kmod.plan(names, { ...options, signal })
  const removed = [...new Set(plan.steps.map(({ module }) => module))]
  const effects =
    plan.options.guard === 'off' && removed.length > 0
      ? await kmod.impact(removed, { signal })
      : plan.effects
  return { plan, effects }
}

export async function planAnswer(
  { kmod, signal, out }: Call,
  { plan, effects }: Proposal,
  status = DONE,
): Promise<Answer> {
  const modules = await kmod.list({ signal })
  return {
    value: { ...plan, effects },
    text: () => planText(out, plan, modules, effects),
    status,
  }
}

/** Asks for consent, unless the change cannot begin: then the call itself rejects and says why. */
export async function askIfItCanBegin(
  call: Call,
  proposal: Proposal,
  options: UnloadOptions,
): Promise<Answer | null> {
  return (await canBegin(call, proposal.plan, options)) ? askConsent(call, proposal) : null
}

const CODES: Readonly<Record<WaitedFor, KmodErrorCode>> = {
  'in-use': 'ERR_KMOD_IN_USE',
  transient: 'ERR_KMOD_TRANSIENT',
  held: 'ERR_KMOD_HELD',
}

async function canBegin(
  { kmod, signal }: Call,
  { feasible, blockers }: UnloadPlan,
  { wait = 0, waitFor = ['in-use', 'transient'] }: UnloadOptions,
): Promise<boolean> {
  const passing = waitFor.map((blocker) => CODES[blocker])
  if (!feasible && !(wait > 0 && blockers.every(({ code }) => passing.includes(code)))) return false
  return (await kmod.preflight({ signal })).canUnload
}

/**
 * Resolves with null if the change may begin: nothing would stop working, or the user agreed. Otherwise
 * with what is printed instead.
 */
async function askConsent(call: Call, proposal: Proposal): Promise<Answer | null> {
  const { options, json, out } = call
  if (options.yes === true || isHarmless(proposal)) return null
  const answer = await planAnswer(call, proposal, USAGE)
  if (json || !out.isTerminal || !process.stdin.isTTY) {
    const note = 'Nothing was changed: this needs your consent. If you agree, add --yes.'
    return { ...answer, note }
  }
  out.print(answer.text())
  const question = proposal.plan.feasible ? 'Go on?' : 'Wait until nothing blocks, then go on?'
  if (await isAgreed(call, question)) return null
  return { ...answer, text: () => '', note: 'Nothing was changed.' }
}

export function isHarmless({ plan, effects }: Proposal): boolean {
  return effects.length === 0 && plan.steps.every(({ action }) => action !== 'release')
}

/** Rejects with an AbortError if the signal aborts, also by Ctrl-C at the question. */
async function isAgreed({ signal }: Call, question: string): Promise<boolean> {
  const lines = createInterface({ input: process.stdin, output: process.stdout })
  // A terminal in raw mode sends no signal, but a character, and readline would only close itself.
  lines.on('SIGINT', () => process.kill(process.pid, 'SIGINT'))
  const closed = new Promise<string>((resolve) => lines.once('close', () => resolve('')))
  try {
    const reply = await Promise.race([lines.question(`\n${question} [y/N] `, { signal }), closed])
    return /^y(es)?$/i.test(reply.trim())
  } finally {
    lines.close()
  }
}
