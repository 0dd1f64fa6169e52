/**
 * A program that is compiled with exactOptionalPropertyTypes. There, an optional property takes undefined
 * only if its type says so, and Required<> does not take undefined out.
 */
import {
  IdleReaper,
  isKmodError,
  Kmod,
  kmod,
  type AppliedPlanOptions,
  type Blocker,
  type CallOptions,
  type EffectKind,
  type LoadOptions,
  type PlanOptions,
  type UnloadOptions,
  type UnloadPlan,
  type UnloadReport,
  type UnloadStep,
  type User,
} from 'node-kmod'

type Same<A, B> = [A, B] extends [B, A] ? true : false
type Check<Condition extends true> = Condition

/** Every option that is given to another call may be undefined. */
export async function passOn(
  wait: number | undefined,
  allow: PlanOptions['allow'],
  signal: AbortSignal | undefined,
): Promise<void> {
  const options: UnloadOptions = {
    ...{ holders: undefined, dependencies: undefined, softDependencies: undefined },
    ...{ commands: undefined, guard: undefined, force: undefined },
    ...{ mustBeLoaded: undefined, allowUnknown: undefined, hungAfter: undefined },
    ...{ settle: undefined, onFailure: undefined, onStep: undefined, onBlocked: undefined },
    ...{ wait, allow, signal },
  }
  await kmod.unload('a', { ...options, waitFor: undefined, release: undefined })
  await kmod.reload('a', { ...options, parameters: undefined, between: undefined })
  await kmod.reload({ file: 'a', files: undefined }, { signal })
  await (await kmod.scope(options)).dispose()
  kmod.watch({ modules: undefined, signal })
  const rest = { keep: undefined, interval: undefined, dryRun: undefined, kmod: undefined }
  new IdleReaper({ candidates: ['a'], ...rest, ref: undefined, signal }).start()
  const loading: LoadOptions = { parameters: undefined, mustBeNew: undefined, hungAfter: undefined }
  await kmod.load('a', { ...loading, signal })
  await kmod.remove('a', { force: undefined, hungAfter: undefined, signal })
  const system = { root: undefined, kernelRelease: undefined, moduleDirectory: undefined }
  await new Kmod({ ...system, configPaths: undefined }).list({ signal })
  kmod.trace('a', { signal })
}

/** Every call that returns a promise takes a signal in its last argument. */
type Calls = {
  [Name in keyof Kmod]: Kmod[Name] extends (...args: never) => Promise<unknown> ? Name : never
}
type Last<T extends unknown[]> = Required<T> extends [...unknown[], infer Options] ? Options : never
type WithoutSignal = {
  [Name in Calls[keyof Kmod]]: CallOptions extends Last<Parameters<Kmod[Name]>> ? never : Name
}[Calls[keyof Kmod]]

export type Checks = [
  Check<Same<WithoutSignal, never>>,
  Check<Same<Calls[keyof Kmod] & 'list', 'list'>>,
  Check<Same<UnloadPlan['options']['guard'], 'refuse' | 'strict' | 'off'>>,
  Check<Same<UnloadPlan['options']['allow'], readonly (EffectKind | `${EffectKind}:${string}`)[]>>,
  Check<Same<UnloadReport['parametersLost'][number]['before'], string | null>>,
]

/** The options of a plan can be used without a question whether they are there. */
export function appliedOptions({ options }: UnloadPlan): string {
  const { holders, allow, force }: AppliedPlanOptions = options
  const accepted: readonly (EffectKind | `${EffectKind}:${string}`)[] = allow
  return `${holders.length} ${accepted.join()} ${force.valueOf()}`
}

/** The kinds of a plan are closed: a switch over all of them needs no default. */
export function describeStep(step: UnloadStep): string {
  switch (step.action) {
    case 'remove':
      return `${step.module} ${step.undecided ?? 0}`
    case 'run':
      return `/bin/sh -c '${step.shell}'`
    case 'release':
      return step.command.join(' ')
    case 'load':
      return step.file ?? step.module
  }
}
export function describeBlocker(blocker: Blocker): string | User[] {
  switch (blocker.code) {
    case 'ERR_KMOD_HELD':
      return blocker.holders.join()
    case 'ERR_KMOD_IN_USE':
      return blocker.references > 0 ? blocker.users : blocker.message
    case 'ERR_KMOD_CRITICAL':
      return blocker.effect.kind
    case 'ERR_KMOD_REMOVE_COMMAND':
      return blocker.shell
    case 'ERR_KMOD_TRANSIENT':
      return blocker.pid === undefined ? '' : `/proc/${blocker.pid}/stack`
    case 'ERR_KMOD_NOT_FOUND':
    case 'ERR_KMOD_NOT_LOADED':
    case 'ERR_KMOD_BUILTIN':
    case 'ERR_KMOD_PERMANENT':
      return blocker.module
  }
}

/** What each code brings needs no question whether it is there. */
export function details(error: unknown): unknown {
  if (isKmodError(error, 'ERR_KMOD_HELD')) return error.holders.length
  if (isKmodError(error, 'ERR_KMOD_IN_USE')) return error.references + (error.users?.length ?? 0)
  if (isKmodError(error, 'ERR_KMOD_TRANSIENT')) return error.pid ?? 0
  if (isKmodError(error, 'ERR_KMOD_CRITICAL')) return error.effect.severity
  if (isKmodError(error, 'ERR_KMOD_REMOVE_COMMAND')) {
    return error.shell + (error.exitCode ?? error.signal ?? '') + (error.output ?? '')
  }
  if (isKmodError(error, 'ERR_KMOD_PLAN_CHANGED')) return error.changes.join() + error.plan.feasible
  if (isKmodError(error, 'ERR_KMOD_TIMEOUT')) return error.blocker.code + error.users.length
  if (isKmodError(error, 'ERR_KMOD_HUNG')) return error.pid + (error.kernelStack?.length ?? 0)
  if (isKmodError(error, 'ERR_KMOD_REAPPEARED')) return error.report.reappeared
  if (isKmodError(error, 'ERR_KMOD_CALLBACK')) return [error.cause, error.report.removed]
  if (isKmodError(error, 'ERR_KMOD_ABORTED')) return [error.cause, error.report?.removed]
  if (isKmodError(error, 'ERR_KMOD_LOAD')) return [error.messages?.length, ...error.loaded]
  return undefined
}

export async function results(): Promise<unknown[]> {
  const { loaded } = await kmod.info('a')
  const { effects, kept } = await kmod.unload('a')
  return [
    loaded?.version,
    loaded?.parameters.a,
    effects.map(({ kind }) => kind === 'firewall' || kind === 'input'),
    kept.filter(({ reason }) => reason === 'device'),
  ]
}

// @ts-expect-error -- not a kind of effect
void kmod.plan('a', { allow: ['default-rout'] })
// @ts-expect-error -- not a kind of effect, although it has a subject
void kmod.plan('a', { allow: ['network:eth0'] })
// @ts-expect-error -- null is not undefined
void kmod.list({ signal: null })
// @ts-expect-error -- an option of other calls
void kmod.find('a', { wait: 5 })
