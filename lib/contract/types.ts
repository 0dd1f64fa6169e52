/** Every public type. The files are divided by what they describe; the other rooms import from here. */
export type * from './change-types'
export type * from './error-codes'
export type * from './module-types'
export type * from './plan-types'
export type * from './system-types'
export type * from './unload-types'
export type * from './usage-types'
