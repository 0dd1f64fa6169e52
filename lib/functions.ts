/**
 * The named functions of the package: the methods of {@link kmod} under their own names.
 *
 * The documentation of each call is here, once, for the function and for the method. TypeScript shows
 * the text of an implemented type for a method that has no text of its own (`class Kmod implements
 * Functions`). It does not do so for a variable or a function, so the text cannot be in the class.
 */
import { kmod } from './kmod'
import type {
  CallOptions,
  CaptureOptions,
  CaptureReport,
  Effect,
  GraphOptions,
  LoadedModule,
  LoadOptions,
  LoadReport,
  ModuleEvent,
  ModuleFile,
  ModuleGraph,
  ModuleInfo,
  ModuleScope,
  ModuleStatus,
  Preflight,
  ReferenceEvent,
  ReloadOptions,
  ReloadReport,
  RemoveOptions,
  TraceOptions,
  UnloadOptions,
  UnloadPlan,
  UnloadReport,
  Usage,
  WatchOptions,
} from './contract/types'

/**
 * Resolves with the loaded modules in the order of the kernel: the newest first.
 *
 * The list is consistent: a module that was loaded during the whole call is in it exactly once. A
 * single reading of /proc/modules does not guarantee that, because the kernel locks the table for each
 * read(2) only.
 *
 * Rejects with the common codes of `KmodErrorCode`.
 */
export function list(options?: CallOptions): Promise<LoadedModule[]> {
  return kmod.list(options)
}

/**
 * Resolves with one loaded module, or `undefined` if it is not loaded. A built-in is not loaded.
 *
 * Rejects with the common codes of `KmodErrorCode`.
 *
 * @param name The name of a module, with `-` or `_`; not an alias.
 * @example
 * ```js
 * const { refCount } = (await find('snd-hda-intel')) ?? {}
 * ```
 */
export function find(name: string, options?: CallOptions): Promise<LoadedModule | undefined> {
  return kmod.find(name, options)
}

/**
 * Resolves with the names of the loaded modules that use this one.
 *
 * Rejects with ERR_KMOD_BUILTIN; with ERR_KMOD_NOT_LOADED if the module index lists the module or there
 * is no index; else with ERR_KMOD_NOT_FOUND; and with the common codes of `KmodErrorCode`.
 *
 * @param name The name of a module, with `-` or `_`; not an alias.
 */
export function holders(name: string, options?: CallOptions): Promise<string[]> {
  return kmod.holders(name, options)
}

/**
 * Resolves with what the kernel and the module index know about a name: `live`, `loading`, `unloading`,
 * `builtin`, `unloaded` or `unknown`.
 *
 * Rejects with the common codes of `KmodErrorCode`.
 *
 * @param name The name of a module, with `-` or `_`; not an alias.
 */
export function status(name: string, options?: CallOptions): Promise<ModuleStatus> {
  return kmod.status(name, options)
}

/**
 * Resolves with `true` if the status of the module is `live`: not for a built-in, and not while the
 * module is being loaded or unloaded.
 *
 * Rejects with the common codes of `KmodErrorCode`.
 *
 * @param name The name of a module, with `-` or `_`; not an alias.
 */
export function isLoaded(name: string, options?: CallOptions): Promise<boolean> {
  return kmod.isLoaded(name, options)
}

/**
 * Resolves with `true` if the module is compiled into the kernel. Built-ins that have a folder in
 * /sys/module are recognized without a module index, for example in a container.
 *
 * Rejects with the common codes of `KmodErrorCode`.
 *
 * @param name The name of a module, with `-` or `_`; not an alias.
 */
export function isBuiltin(name: string, options?: CallOptions): Promise<boolean> {
  return kmod.isBuiltin(name, options)
}

/**
 * Resolves with what a module's file says (as modinfo prints it) and what modprobe.d says about the
 * module.
 *
 * Rejects with ERR_KMOD_NOT_FOUND if the module index does not list the module or the file does not
 * exist, and with the common codes of `KmodErrorCode`; ERR_KMOD_FORMAT means a damaged file.
 *
 * @param what The name of a module (not an alias), or the path of a .ko file, which need not be installed.
 * @example
 * ```js
 * const { parameters, config } = await info('e1000e')
 * const { vermagic } = await info({ file: './driver.ko' })
 * ```
 */
export function info(what: string | { file: string }, options?: CallOptions): Promise<ModuleInfo> {
  return kmod.info(what, options)
}

/**
 * Resolves with the modules that a name or an alias stands for, as `modprobe -R` prints them; `[]` if
 * there is none.
 *
 * Rejects with the common codes of `KmodErrorCode`.
 *
 * @param nameOrAlias Such as `fs-vfat` or `pci:v00008086d000015B8sv*`.
 * @example
 * ```js
 * await resolve('fs-vfat') // ['vfat']
 * ```
 */
export function resolve(nameOrAlias: string, options?: CallOptions): Promise<string[]> {
  return kmod.resolve(nameOrAlias, options)
}

/**
 * Resolves with whether this process can unload modules on this system, and if it cannot, with the
 * reasons. It resolves on every platform; on a platform other than Linux, `canUnload` is false.
 */
export function preflight(options?: CallOptions): Promise<Preflight> {
  return kmod.preflight(options)
}

/**
 * Resolves with what an unload would do, and changes nothing: every step in its order and with its
 * reason, what blocks the plan, which dependencies stay and why, and what would stop working.
 *
 * The plan is a simulation over one consistent reading of the kernel's table. It knows that the reference
 * count of a dependency falls when its last holder is removed, so it names every module that the unload
 * removes. It needs no privileges and no module files: the module index adds only aliases, soft
 * dependencies and `remove` commands.
 *
 * If a module is unknown, built in or in use, the call does not reject: the reason is in `blockers`. Rejects
 * with the common codes of `KmodErrorCode`; ERR_KMOD_UNSUPPORTED also means that `force` is given and the
 * kernel lacks it.
 *
 * @param names Names or aliases. The name of a module that is loaded, or that the module index has,
 * takes precedence over an alias of modprobe.d with the same text. An alias with several matches
 * stands for those of them that are loaded.
 * @example
 * ```js
 * const { feasible, steps, blockers } = await plan('br_netfilter')
 * ```
 */
export function plan(
  names: string | readonly string[],
  options?: UnloadOptions,
): Promise<UnloadPlan> {
  return kmod.plan(names, options)
}

/**
 * Removes modules from the kernel: makes a plan, executes it, and verifies that the modules are not
 * loaded. Resolves with a report, and only when no target is loaded. A target that was not loaded
 * before is not an error.
 *
 * The kernel is read again before each step. A target or holder that got a new user ends the call (or
 * is waited for, see `wait`); a dependency that got a new user is kept, and the call continues. At the
 * end, dependencies that were kept because something used them are removed if nothing uses them any
 * more; for a given plan, only those that the plan names. Calls of one process that change the same
 * modules run one after the other; while a call waits for a blocker, or awaits a callback, other calls
 * can run.
 *
 * Rejects with the code of the first blocker if the plan is not feasible (nothing is removed then); with
 * ERR_KMOD_TIMEOUT, ERR_KMOD_REAPPEARED, ERR_KMOD_CALLBACK, ERR_KMOD_REMOVE_COMMAND, ERR_KMOD_RELEASE
 * and ERR_KMOD_PLAN_CHANGED; and with the change codes of `KmodErrorCode`. Errors of a call that has begun
 * its work carry the `report` of what was done, and the `plan`.
 *
 * @param what Names or aliases, as for `plan`; or a plan, which is computed again and executed only if
 * it is still the same. An option of the plan that permits more than its default (`force`, `allow`,
 * `release`, `guard: 'off'`, `holders: 'remove'`, `commands: 'run'` or `'skip'`) must be given again.
 * @example
 * ```js
 * const { removed } = await unload('uvcvideo', { wait: 10_000, onFailure: 'restore' })
 * ```
 */
export function unload(
  what: string | readonly string[] | UnloadPlan,
  options?: UnloadOptions,
): Promise<UnloadReport> {
  return kmod.unload(what, options)
}

/**
 * Resolves with why a module is in use: what uses it (modules, mounts, processes, devices, interfaces,
 * sockets and more), how many references each is known to hold, and how each releases the module; with
 * how many references remain unexplained; and with what could not be read.
 *
 * Rejects with ERR_KMOD_NOT_FOUND for an unknown name, and with the common codes of `KmodErrorCode`.
 *
 * @param name A name or an alias; of several matches, the first that is loaded.
 * @example
 * ```js
 * for (const { kind, release } of (await explain('tun')).users) console.log(kind, release.text)
 * ```
 */
export function explain(name: string, options?: CallOptions): Promise<Usage> {
  return kmod.explain(name, options)
}

/**
 * Resolves with what would stop working without these modules, even if their reference count is 0: the
 * driver of a network card has no references while the card is in use.
 *
 * Rejects with ERR_KMOD_NOT_FOUND for an unknown name, and with the common codes of `KmodErrorCode`.
 *
 * @param names Names or aliases. Modules that are not loaded have no effects.
 */
export function impact(
  names: string | readonly string[],
  options?: CallOptions,
): Promise<Effect[]> {
  return kmod.impact(names, options)
}

/**
 * Resolves with modules and what they use as nodes and edges, for a picture: `toDot`, `toMermaid`, `toSvg`
 * and `toHtml` of `node-kmod/graph` draw it.
 *
 * For each module at most 30 users of one kind have a node each; one more node counts the others.
 *
 * Rejects with ERR_KMOD_NOT_FOUND for an unknown name, and with the common codes of `KmodErrorCode`.
 *
 * @param names Modules or aliases: the graph has those that are loaded, all modules that they use and all
 * that use them. Default: every loaded module.
 * @example
 * ```js
 * const { nodes, edges } = await graph('bridge', { plan: await plan('bridge') })
 * ```
 */
export function graph(
  names?: string | readonly string[],
  options?: GraphOptions,
): Promise<ModuleGraph> {
  return kmod.graph(names, options)
}

/**
 * Copies what this package reads of the system into a folder: `new Kmod({ root: folder })` then gives the
 * same answers, on any machine. For a support engineer, or for a test.
 *
 * The folder has files of /proc and /sys, depmod's indexes, modprobe.d, the lists of modules to load at
 * boot, and one file with what only system calls show: mounts, network interfaces and their addresses,
 * established connections, firewall tables, the devices that processes have open, and which processes use
 * files on a mount. The files of the loaded modules have only what `info` reads. There are no environments
 * and command lines of processes, no files of users, and of the kernel command line only the words about
 * modules.
 *
 * Rejects with ERR_KMOD_SYSTEM if the folder cannot be written; the `errnoCode` is EEXIST if it is not
 * empty. If the call fails, what it wrote is deleted. Rejects with the common codes of `KmodErrorCode`.
 *
 * @param folder A folder that does not exist or is empty. Only its owner can read it (mode 0700).
 * @example
 * ```js
 * const { files, bytes, unreadable } = await capture('/root/capture')
 * ```
 */
export function capture(folder: string, options?: CaptureOptions): Promise<CaptureReport> {
  return kmod.capture(folder, options)
}

/**
 * Returns the references to a module as they are taken and dropped, from the trace events of the kernel
 * (`module_get`, `module_put`). The module need not be loaded yet.
 *
 * The trace begins with this call, not with the first `next()`; events of the first tenths of a
 * second, before the kernel records them, are missed. `break`, `return()` and `await using` end the
 * trace, and return when the kernel has no tracing instance of it any more. Only a pending `next()`
 * keeps the process alive. A slow reader loses the oldest events; memory stays bounded (some thousand
 * events).
 *
 * The call does not throw. The first `next()` rejects with a TypeError for a wrong argument, with
 * ERR_KMOD_PERMISSION (tracefs is for root), with ERR_KMOD_UNSUPPORTED (no tracefs, no such events, a
 * captured system), with ERR_KMOD_ABORTED, or with the common codes of `KmodErrorCode`.
 *
 * @param name The name of a module, with `-` or `_`; not an alias.
 * @example
 * ```js
 * for await (const { action, comm, pid } of trace('tun')) console.log(action, comm, pid)
 * ```
 */
export function trace(
  name: string,
  options?: TraceOptions,
): AsyncIterableIterator<ReferenceEvent> & AsyncDisposable {
  return kmod.trace(name, options)
}

/**
 * Removes one module, as rmmod does: one delete_module(2), without a plan and without a guard. Most
 * programs want `unload`. Resolves when the module is removed.
 *
 * Rejects with ERR_KMOD_HELD, ERR_KMOD_IN_USE, ERR_KMOD_PERMANENT, ERR_KMOD_BUILTIN,
 * ERR_KMOD_NOT_LOADED and ERR_KMOD_NOT_FOUND, and with the change codes of `KmodErrorCode`. The kernel
 * answers EAGAIN both for held and for in use, and EBUSY both for permanent and for transient; the
 * table of loaded modules shows which of the two it is.
 *
 * An abort rejects at once; the kernel continues with a removal that it has begun.
 *
 * @param name The name of a module, with `-` or `_`; not an alias.
 */
export function remove(name: string, options?: RemoveOptions): Promise<void> {
  return kmod.remove(name, options)
}

/**
 * Loads a module with its dependencies and the configuration of modprobe.d, as modprobe does. Resolves
 * with what was loaded and what the kernel logged. A module that was loaded before is an error only if
 * `parameters` or `mustBeNew` is given, or if the given file has another srcversion than the loaded
 * module. An alias of several modules loads all modules that can be loaded, and skips those that are
 * blacklisted.
 *
 * Rejects with ERR_KMOD_NOT_FOUND, ERR_KMOD_ALREADY_LOADED, ERR_KMOD_BUILTIN (a built-in takes no
 * parameters) and ERR_KMOD_LOAD, and with the change codes of `KmodErrorCode`; `loaded` and `messages`
 * of the error contain what was loaded before the failure and what the kernel logged. Rejects with a
 * TypeError if the file of the module does not declare a parameter.
 *
 * @param what A name or an alias, or the path of a .ko file that is not installed: what its `depends`
 * field names is loaded first, from `files` where they have it, else from the module index.
 * @example
 * ```js
 * const { loaded, clean } = await load('dummy', { parameters: { numdummies: 2 } })
 * ```
 */
export function load(what: string | ModuleFile, options?: LoadOptions): Promise<LoadReport> {
  return kmod.load(what, options)
}

/**
 * Unloads modules and loads them again, as one transaction: makes a plan and unloads, calls `between`,
 * loads what was unloaded (dependents too), and then puts back the users that were released. A target that
 * is not loaded is only loaded. The dependencies of a target stay, unless `dependencies` says otherwise.
 *
 * Before anything is touched, the call makes sure that each module has a file that was built for this
 * kernel. Another srcversion is fine, because that is what an update is. Targets are loaded with their
 * configuration and `parameters`; other modules with their configuration and, where these differ, the
 * parameters that they had. A parameter of a target that neither modprobe.d nor `parameters` sets gets the
 * value that it had, if sysfs can write it. What is lost is in `parametersLost`.
 *
 * If loading fails, or `between` throws, what was removed is loaded again, whatever `onFailure` says. A
 * module whose file was replaced on disk cannot be, and is in `notRestored`. To keep a way back, reload
 * from `{ file }` before you install the file.
 *
 * Rejects as `unload` and `load` do: with ERR_KMOD_LOAD if the kernel refuses a module, or if a file was
 * built for another kernel; with ERR_KMOD_NOT_FOUND if a module has no file. `report` of the error is a
 * `ReloadReport`.
 *
 * @param what Names or aliases, or the path of a .ko file to load instead of the loaded module.
 * @example
 * ```js
 * await reload({ file: './new/bridge.ko' }, { holders: 'remove' })
 * await reload('snd_hda_intel', { parameters: { power_save: 0 }, release: ['service'] })
 * ```
 */
export function reload(
  what: string | readonly string[] | ModuleFile,
  options?: ReloadOptions,
): Promise<ReloadReport> {
  return kmod.reload(what, options)
}

/**
 * Opens a scope for modules that are to be loaded for a limited time, such as that of one test. Its
 * `load` remembers what came in; `check()` says what the kernel reported meanwhile and what others have
 * loaded; `dispose()`, or the end of `await using`, unloads everything again, the newest first.
 *
 * Rejects with ERR_KMOD_READ_ONLY and with the common codes of `KmodErrorCode`.
 *
 * @param options As for `unload`; here the default of `wait` is 10,000 and that of `dependencies` is
 * `keep`. They are for `dispose()`.
 * @example
 * ```js
 * await using modules = await scope()
 * await modules.load('dummy', { parameters: { numdummies: 2 } })
 * ```
 */
export function scope(options?: UnloadOptions): Promise<ModuleScope> {
  return kmod.scope(options)
}

/**
 * Returns the modules as they are loaded and unloaded. The watch is open when the call returns: nothing
 * after that is lost, or an event with `action: 'overrun'` says that something was. An idle watch costs
 * nothing: there is no timer.
 *
 * `break`, `return()` and `await using` end the watch. Only a pending `next()` keeps the process alive.
 *
 * The call does not throw. The first `next()` rejects with a TypeError for a wrong argument, with
 * ERR_KMOD_UNSUPPORTED in a network namespace of another user namespace, to which the kernel sends no
 * events, and for a captured system; with ERR_KMOD_ABORTED; or with the common codes of `KmodErrorCode`.
 *
 * @example
 * ```js
 * for await (const { action, module } of watch({ modules: 'usb_storage' })) console.log(action, module)
 * ```
 */
export function watch(
  options?: WatchOptions,
): AsyncIterableIterator<ModuleEvent> & AsyncDisposable {
  return kmod.watch(options)
}
