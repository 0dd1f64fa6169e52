/** What a test says about its simulated system. */
import type { ModuleEvent, User } from '../contract/types'

/** A module of the simulated system. */
export interface SimulatedModule {
  /** Its name; `-` and `_` are the same. */
  name: string
  /** Modules that it uses: it is a holder of each. They must be in the list of modules, too. */
  uses?: readonly string[] | undefined
  /**
   * The reference count, as lsmod shows it: with the references of holders. Default: the references of
   * its holders and of its users.
   */
  refCount?: number | undefined
  /**
   * Default `live`. A module that is `unloaded` is only in the module index: `load` can load it.
   */
  state?: 'live' | 'loading' | 'unloading' | 'unloaded' | 'builtin' | undefined
  /** It has no exit function: the kernel refuses to remove it. Default false. */
  permanent?: boolean | undefined
  /** How its removal goes. Default: it succeeds at once. */
  exit?:
    | {
        /** Milliseconds inside the exit function. Default 0. Time passes only by `world.advance`. */
        duration?: number | undefined
        /**
         * The kernel refuses the removal with this error, such as `EPERM`, after its checks. Default: it
         * does not.
         */
        fails?: string | undefined
        /** The exit function never returns. Default false. */
        hangs?: boolean | undefined
      }
    | undefined
}

/** A simulated system. */
export interface SimulatedSystem {
  modules: readonly SimulatedModule[]
  /**
   * What uses the modules, as `explain` shall report it. Where a `release` has a command, the command
   * succeeds when a plan runs it: the user and its references are gone.
   */
  users?: readonly User[] | undefined
  /**
   * Files of modprobe.d and modules-load.d: the path and the text of each. A `remove` or `install`
   * command ends with status 0. It removes or loads its module if its text contains `rmmod`, `modprobe`
   * or `insmod`.
   */
  files?: Readonly<Record<string, string>> | undefined
}

/** What else happens in the simulated system while a test runs. */
export interface World {
  /** Another program loads a module. A module of that name that was unloaded is replaced. */
  add(module: SimulatedModule): void
  /** Another program removes a module. Throws a TypeError if other modules use it. */
  drop(name: string): void
  /**
   * From now on, these and the holders use a loaded module, and nothing else: its reference count is theirs.
   * Without users, it is idle.
   */
  setUsers(name: string, users: readonly User[]): void
  /** Sends an event to each `watch`, such as an `overrun`. */
  emit(event: ModuleEvent): void
  /**
   * Lets milliseconds pass. Without it the time stands still: exit functions with a `duration`, `wait`,
   * `hungAfter`, `settle` and the interval of an IdleReaper wait for it. Resolves when everything that
   * can happen in that time has happened.
   */
  advance(milliseconds: number): Promise<void>
}
