/** The codes of errors. */

/**
 * The code of a `KmodError`: what went wrong. The details that an error carries with each code
 * are in `KmodErrorDetails`.
 *
 * Why a module cannot be unloaded now:
 * - `ERR_KMOD_HELD`: other loaded modules use it.
 * - `ERR_KMOD_IN_USE`: something other than a module holds references to it, for example an open
 *   device, a mount or a socket.
 * - `ERR_KMOD_PERMANENT`: it has no exit function.
 * - `ERR_KMOD_CRITICAL`: the guard refuses, because something important would stop working.
 * - `ERR_KMOD_REMOVE_COMMAND`: modprobe.d has a `remove` command for it, which the options do not
 *   allow; or the command failed.
 * - `ERR_KMOD_RELEASE`: a user could not be released.
 * - `ERR_KMOD_BUILTIN`: it is compiled into the kernel.
 *
 * What is wrong with the name:
 * - `ERR_KMOD_NOT_FOUND`: there is no such module, alias or file.
 * - `ERR_KMOD_NOT_LOADED`: the module is known, but it is not loaded.
 *
 * How an `unload` failed:
 * - `ERR_KMOD_TIMEOUT`: the time given as `wait` is over.
 * - `ERR_KMOD_REAPPEARED`: a target was loaded again by something else.
 * - `ERR_KMOD_PLAN_CHANGED`: the plan was computed again, and differs from the given one.
 * - `ERR_KMOD_CALLBACK`: a callback of the caller threw an error or rejected.
 *
 * How a `load` failed:
 * - `ERR_KMOD_ALREADY_LOADED`: the module is loaded already, and `parameters` or `mustBeNew` is given or
 *   another build of the module is loaded.
 * - `ERR_KMOD_LOAD`: the kernel refused to load the module.
 *
 * In a virtual machine (`node-kmod/vm`):
 * - `ERR_KMOD_VM`: the guest died, did not end in time, or could not be started.
 *
 * **Common codes**: every call can reject with these.
 * - `ERR_KMOD_UNSUPPORTED`: this platform or this kernel lacks what the call needs.
 * - `ERR_KMOD_LIBRARY`: libkmod or the native addon cannot be loaded.
 * - `ERR_KMOD_FORMAT`: a module file, an index or a table of the kernel is damaged.
 * - `ERR_KMOD_TRANSIENT`: the module is being loaded or unloaded right now, or the table of loaded
 *   modules changed during each of many readings. The same call can succeed a moment later.
 * - `ERR_KMOD_NO_ANSWER`: the system did not answer a question within the `timeout` of the `Kmod`.
 * - `ERR_KMOD_ABORTED`: the `signal` was aborted, or the `Kmod` was closed.
 * - `ERR_KMOD_SYSTEM`: any other failure of a system call, or of the helper program.
 *
 * **Change codes**: every call that changes the kernel (`load`, `remove`, `unload`) can reject with the
 * common codes, and with these.
 * - `ERR_KMOD_PERMISSION`: CAP_SYS_MODULE is missing, or a seccomp filter or a security module forbids
 *   the call. Every call can reject with it after this process has dropped a capability: `close()` ends the
 *   helper programs that still have it.
 * - `ERR_KMOD_DISABLED`: the sysctl `kernel.modules_disabled` is 1.
 * - `ERR_KMOD_READ_ONLY`: this `Kmod` reads another root, not the running system.
 * - `ERR_KMOD_HUNG`: the change is still inside the kernel after `hungAfter` milliseconds.
 */
export type KmodErrorCode =
  | 'ERR_KMOD_NOT_FOUND'
  | 'ERR_KMOD_NOT_LOADED'
  | 'ERR_KMOD_ALREADY_LOADED'
  | 'ERR_KMOD_BUILTIN'
  | 'ERR_KMOD_HELD'
  | 'ERR_KMOD_IN_USE'
  | 'ERR_KMOD_PERMANENT'
  | 'ERR_KMOD_TRANSIENT'
  | 'ERR_KMOD_CRITICAL'
  | 'ERR_KMOD_REMOVE_COMMAND'
  | 'ERR_KMOD_RELEASE'
  | 'ERR_KMOD_PLAN_CHANGED'
  | 'ERR_KMOD_TIMEOUT'
  | 'ERR_KMOD_HUNG'
  | 'ERR_KMOD_NO_ANSWER'
  | 'ERR_KMOD_ABORTED'
  | 'ERR_KMOD_REAPPEARED'
  | 'ERR_KMOD_CALLBACK'
  | 'ERR_KMOD_PERMISSION'
  | 'ERR_KMOD_DISABLED'
  | 'ERR_KMOD_UNSUPPORTED'
  | 'ERR_KMOD_LIBRARY'
  | 'ERR_KMOD_FORMAT'
  | 'ERR_KMOD_LOAD'
  | 'ERR_KMOD_READ_ONLY'
  | 'ERR_KMOD_VM'
  | 'ERR_KMOD_SYSTEM'
