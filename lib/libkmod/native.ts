/** The types of native/binding/, the C++ part of node-kmod/libkmod. */
import type { NativeFailure } from '../kernel/failure'
import { load } from '../live/native'

/** A call that waits for the thread of its context. */
export interface NativeCall<T> {
  /** For `cancel`. */
  call: number
  /** Never rejects. `undefined`: the context was closed, or the call was cancelled. */
  reply: Promise<NativeReply<T> | undefined>
}

/** `log`: what libkmod logged during the call. */
export type NativeReply<T> = { log: string } & ({ value: T } | { failure: NativeFailure })

/** A struct kmod_module. Each method calls one function of libkmod, in the order of the calls. */
export interface NativeModule {
  readonly name: string
  path(): NativeCall<string | null>
  options(): NativeCall<string | null>
  installCommands(): NativeCall<string | null>
  removeCommands(): NativeCall<string | null>
  /** enum kmod_module_initstate */
  initState(): NativeCall<number | null>
  refCount(): NativeCall<number>
  size(): NativeCall<number>
  holders(): NativeCall<NativeModule[]>
  dependencies(): NativeCall<NativeModule[]>
  weakDependencies(): NativeCall<NativeModule[]>
  softDependencies(): NativeCall<{ pre: NativeModule[]; post: NativeModule[] }>
  info(): NativeCall<{ key: string; value: string }[]>
  sections(): NativeCall<{ name: string; address: bigint }[]>
  versions(): NativeCall<{ symbol: string; crc: bigint }[]>
  symbols(): NativeCall<{ symbol: string; crc: bigint }[]>
  /** `bind`: enum kmod_symbol_bind */
  dependencySymbols(): NativeCall<{ symbol: string; crc: bigint; bind: number }[]>
}

/** The lists of the configuration, each entry [key, value]. */
export type NativeConfig = Record<
  | 'blacklists'
  | 'installCommands'
  | 'removeCommands'
  | 'aliases'
  | 'options'
  | 'softdeps'
  | 'weakdeps',
  [key: string, value: string][]
>

/** A struct kmod_ctx, with a thread of its own. */
export interface NativeContext {
  moduleFromName(name: string): NativeCall<NativeModule>
  moduleFromPath(path: string): NativeCall<NativeModule>
  moduleFromNameLookup(name: string): NativeCall<NativeModule | null>
  modulesFromLookup(alias: string): NativeCall<NativeModule[]>
  modulesFromLoaded(): NativeCall<NativeModule[]>
  loadResources(): NativeCall<undefined>
  unloadResources(): NativeCall<undefined>
  /** enum kmod_resources */
  validateResources(): NativeCall<number>
  config(): NativeCall<NativeConfig>
  /** `index`: enum Index in native/libkmod/session.h */
  dumpIndex(index: number): NativeCall<string>
  close(): void
}

export interface NativeBinding {
  /** Throws an error with a `failure` if the thread cannot be started. */
  Context: new (directory: string, configPaths: readonly string[] | null) => NativeContext
  /** The call does not keep the process alive any longer. */
  cancel(call: number): void
}

let binding: NativeBinding | undefined

/** Loads the addon at the first call. Throws a KmodError. */
export function loadBinding(): NativeBinding {
  return (binding ??= load().native.createBinding() as NativeBinding)
}
