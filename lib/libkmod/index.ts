/**
 * node-kmod/libkmod: libkmod itself, in this process. `node-kmod` does more, and is safer.
 *
 * @module node-kmod/libkmod
 */
export {
  Context,
  type Config,
  type ContextOptions,
  type IndexName,
  type ResourceState,
} from './context'
export { Module, type InitState, type SymbolBind } from './module'
export type { InsertOptions } from './change'
export { KmodError, isKmodError, type KmodErrorDetails } from '../contract/errors'
export type { CallOptions, KmodErrorCode, RemoveOptions } from '../contract/types'
