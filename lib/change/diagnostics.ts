/** Tells tools what the package does: channels of node:diagnostics_channel, and NODE_DEBUG=node-kmod. */
import { channel, tracingChannel } from 'node:diagnostics_channel'
import { debuglog, inspect } from 'node:util'
import type { UnloadStep } from '../contract/types'

const debug = debuglog('node-kmod')

export type TracedCall = 'plan' | 'unload' | 'load' | 'reload'

/** What the tracing channels publish about a call; Node adds `result` or `error`. */
export interface CallContext {
  /** The object whose method was called. */
  kmod: object
  arguments: readonly unknown[]
}

/** Runs a call, and publishes its start and its end. */
export function traced<T>(
  name: TracedCall,
  context: CallContext,
  call: () => Promise<T>,
): Promise<T> {
  const traces = tracingChannel<string, CallContext>(`node-kmod:${name}`)
  const result = traces.tracePromise(call, { ...context })
  if (debug.enabled) tell(name, context, result)
  return result
}

/** Publishes the end of a step. `errno`: of the system call that failed, negative; else null. */
export function publishStep(step: UnloadStep, duration: number, errno: number | null): void {
  const steps = channel('node-kmod:step')
  if (steps.hasSubscribers) steps.publish({ step, duration, errno })
  if (!debug.enabled) return
  const end = errno === null ? '' : `, errno ${errno}`
  debug(`step: ${step.action} ${step.module} (${step.reason}), ${Math.round(duration)} ms${end}`)
}

/** A line when the call begins, and one when it ends. */
function tell(name: string, context: CallContext, result: Promise<unknown>): void {
  const line = (value: unknown): string => inspect(value, { breakLength: Infinity, depth: 2 })
  debug(`${name}: begins, ${context.arguments.map(line).join(', ')}`)
  result.then(
    (value) => debug(`${name}: ends, ${line(value)}`),
    (error: unknown) => debug(`${name}: fails, ${String(error)}`),
  )
}
