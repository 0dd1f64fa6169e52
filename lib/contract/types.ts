/**
 * Every public type. Each file describes one subject; the other folders of lib/ import the types from
 * here.
 */
export type * from './change-types'
export type * from './error-codes'
export type * from './graph-types'
export type * from './module-types'
export type * from './plan-types'
export type * from './reload-types'
export type * from './system-types'
export type * from './unload-types'
export type * from './usage-types'
export type * from './watch-types'
