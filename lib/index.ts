/**
 * node-kmod: unloads Linux kernel modules from a running system safely.
 *
 * @packageDocumentation
 */
export * from './functions'
export { Kmod, kmod } from './kmod'
export { KmodError, isKmodError, type KmodErrorDetails } from './contract/errors'
export { formatPlan } from './plan/format'
export type {
  AppliedPlanOptions,
  Blocker,
  CallOptions,
  CaptureOptions,
  CaptureReport,
  Effect,
  EffectKind,
  GraphEdge,
  GraphNode,
  GraphOptions,
  Kept,
  KernelHealth,
  KmodErrorCode,
  KmodOptions,
  LoadedModule,
  LoadOptions,
  LoadReport,
  ModuleGraph,
  ModuleInfo,
  ModuleParameters,
  ModuleStatus,
  PlanOptions,
  Preflight,
  ReferenceEvent,
  ReleaseKind,
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
