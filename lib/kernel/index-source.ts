/** The files that a module index reads: the index of depmod, modprobe.d and modules-load.d. */

import type { CommandLine } from './command-line'

/** The C++ counterpart is in native/libkmod/index_source.h. */
export interface IndexSource {
  /** The folder of the modules and of depmod's index, such as /lib/modules/6.1.0. */
  directory: string
  /** Folders and files of modprobe.d; `null`: those that libkmod was built with. */
  config: readonly string[] | null
  /** Folders and files that name the modules to load at boot. */
  loadLists: readonly string[]
  /** Whether libkmod uses the options and the blacklist in the kernel command line of this machine. */
  kernelCommandLine: boolean
  /** The entries of the kernel command line of the system that libkmod does not use. */
  commandLine: CommandLine
}

/**
 * Where the newest libkmod looks for modprobe.d. Of several files of one name, the one in the first
 * folder counts. Source: default_config_paths in libkmod/libkmod.c.
 */
export const CONFIG_DIRECTORIES: readonly string[] = [
  '/etc/modprobe.d',
  '/run/modprobe.d',
  '/usr/local/lib/modprobe.d',
  '/usr/lib/modprobe.d',
  '/lib/modprobe.d',
]

/** Where systemd-modules-load looks, in the same order of precedence, and Debian's /etc/modules. */
export const LOAD_LISTS: readonly string[] = [
  '/etc/modules-load.d',
  '/run/modules-load.d',
  '/usr/local/lib/modules-load.d',
  '/usr/lib/modules-load.d',
  '/lib/modules-load.d',
  '/etc/modules',
]
