/**
 * Take Linux kernel modules out of a running system safely.
 *
 * @packageDocumentation
 */
import { Kmod } from './kmod'

/** The running system. */
export const kmod = new Kmod()

export const list = kmod.list.bind(kmod)
export const find = kmod.find.bind(kmod)
export const holders = kmod.holders.bind(kmod)
export const status = kmod.status.bind(kmod)
export const isLoaded = kmod.isLoaded.bind(kmod)
export const isBuiltin = kmod.isBuiltin.bind(kmod)
export const info = kmod.info.bind(kmod)
export const resolve = kmod.resolve.bind(kmod)
export const preflight = kmod.preflight.bind(kmod)
export const plan = kmod.plan.bind(kmod)
export const unload = kmod.unload.bind(kmod)
export const explain = kmod.explain.bind(kmod)
export const impact = kmod.impact.bind(kmod)
export const trace = kmod.trace.bind(kmod)
export const remove = kmod.remove.bind(kmod)
export const load = kmod.load.bind(kmod)

export { Kmod } from './kmod'
export { KmodError, isKmodError, type KmodErrorDetails } from './contract/errors'
export { formatPlan } from './plan/format'
export type {
  Blocker,
  Effect,
  EffectKind,
  Kept,
  KernelHealth,
  KmodErrorCode,
  KmodOptions,
  LoadedModule,
  LoadOptions,
  LoadReport,
  ModuleInfo,
  ModuleParameters,
  ModuleStatus,
  PlanOptions,
  Preflight,
  ReferenceEvent,
  RemoveOptions,
  StepReason,
  TraceOptions,
  UnloadEvent,
  UnloadOptions,
  UnloadPlan,
  UnloadReport,
  UnloadStep,
  Usage,
  User,
} from './contract/types'
