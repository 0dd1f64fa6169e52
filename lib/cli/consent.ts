/** Shows a plan and asks, before something stops working. */
import { createInterface } from 'node:readline/promises'
import type { Effect, UnloadPlan } from '../index'
import { DONE, USAGE } from './exit-status'
import { planText } from './text/plan'
import type { Answer, Call } from './verb'

/** What would happen. */
export interface Proposal {
  plan: UnloadPlan
  /** Of everything that is removed, also where the plan itself does not look for effects. */
  effects: readonly Effect[]
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

/**
 * Resolves with null if the change may begin: nothing would stop working, or the user agreed. Otherwise
 * with what is printed instead.
 */
export async function askConsent(call: Call, proposal: Proposal): Promise<Answer | null> {
  const { options, json, out, err } = call
  if (options.yes === true || isHarmless(proposal)) return null
  const answer = await planAnswer(call, proposal, USAGE)
  if (json || !out.isTerminal || !process.stdin.isTTY) {
    err.print('Nothing was changed: this needs your consent. If you agree, add --yes.')
    return answer
  }
  out.print(answer.text())
  if (await isAgreed(call)) return null
  err.print('Nothing was changed.')
  return { ...answer, text: () => '' }
}

export function isHarmless({ plan, effects }: Proposal): boolean {
  return effects.length === 0 && plan.steps.every(({ action }) => action !== 'release')
}

/** Rejects with an AbortError if the signal aborts, also by Ctrl-C at the question. */
async function isAgreed({ signal }: Call): Promise<boolean> {
  const lines = createInterface({ input: process.stdin, output: process.stdout })
  // A terminal in raw mode sends no signal, but a character, and readline would only close itself.
  lines.on('SIGINT', () => process.kill(process.pid, 'SIGINT'))
  const closed = new Promise<string>((resolve) => lines.once('close', () => resolve('')))
  try {
    const reply = await Promise.race([lines.question('\nGo on? [y/N] ', { signal }), closed])
    return /^y(es)?$/i.test(reply.trim())
  } finally {
    lines.close()
  }
}
