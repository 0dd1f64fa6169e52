/**
 * node-kmod/vm: runs a command on a real kernel, in a virtual machine.
 *
 * Experimental: outside semantic versioning until 2.0.
 *
 * @module node-kmod/vm
 */
export { runInVm, type VmResult } from './run-in-vm'
export type { VmOptions } from './options'
export { KERNELS, type KernelFiles, type KernelName } from './kernels'
export { KmodError, isKmodError, type KmodErrorDetails } from '../contract/errors'
