/**
 * node-kmod/testing: a kernel in memory, for tests of programs that use `node-kmod`.
 *
 * Experimental: outside semantic versioning until 2.0.
 *
 * @module node-kmod/testing
 */
export { simulate } from './simulate'
export type { SimulatedModule, SimulatedSystem, World } from './types'
