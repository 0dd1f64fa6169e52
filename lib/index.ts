/**
 * node-kmod: unloads Linux kernel modules from a running system safely.
 *
 * @packageDocumentation
 */
export * from './functions'
export { Kmod, kmod } from './kmod'
export { IdleReaper, type IdleReaperEvents, type IdleReaperOptions } from './idle-reaper'
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
  ModuleEvent,
  ModuleFile,
  ModuleGraph,
  ModuleInfo,
  ModuleParameters,
  ModuleScope,
  ModuleStatus,
  PlanOptions,
  Preflight,
  ReapReport,
  ReferenceEvent,
  ReleaseKind,
  ReloadOptions,
  ReloadReport,
  RemoveOptions,
  ScopeCheck,
  Spared,
  StepReason,
  TraceOptions,
  UnloadEvent,
  UnloadOptions,
  UnloadPlan,
  UnloadReport,
  UnloadStep,
  Usage,
  User,
  WaitedFor,
  WatchOptions,
} from './contract/types'
