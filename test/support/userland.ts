/**
 * libkmod and the kmod tools of other releases of Debian, to run on this system without a chroot, so
 * also without root.
 */
import { mkdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { Apt } from '../../lib/vm/apt'
import { filledFolder } from '../../lib/vm/cache'
import { Programs } from '../../lib/vm/programs'

/** With libkmod 28 and 34. */
export const USERLANDS = ['Debian 11', 'Debian 13'] as const
export type UserlandName = (typeof USERLANDS)[number]

/**
 * libkmod and what it needs. The libraries of Debian 11 run with the newer C library of this system;
 * those of Debian 13 need their own, and its dynamic loader.
 */
const PACKAGES: Record<UserlandName, readonly string[]> = {
  'Debian 11': ['kmod', 'libkmod2', 'libssl1.1'],
  'Debian 13': [
    ...['kmod', 'libkmod2', 'libssl3t64', 'libzstd1', 'liblzma5', 'zlib1g'],
    ...['libc6', 'libstdc++6', 'libgcc-s1'],
  ],
}

export interface Command {
  file: string
  args: string[]
  env: NodeJS.ProcessEnv
}

export interface Userland {
  /** A program of this system, with the libraries of the release. */
  command(program: string, args: readonly string[]): Command
  /** A tool of the release: modinfo, modprobe, depmod ... */
  tool(name: string, args: readonly string[]): Command
}

/** The libraries and tools that this system has installed. */
export const HOST_USERLAND: Userland = {
  command: (program, args) => ({ file: program, args: [...args], env: {} }),
  tool: (name, args) => ({ file: `/sbin/${name}`, args: [...args], env: {} }),
}

/** Downloads the packages if the cache does not have them yet. */
export async function prepareUserland(name: UserlandName): Promise<Userland> {
  const parts = ['userlands', name.replace(' ', '-')]
  const folder = await filledFolder(parts, 'tools', async (temporary) => {
    await Apt.with(name, new Programs(), (apt) => apt.unpack(PACKAGES[name], temporary))
    // kmod is all tools in one: its name decides which.
    const tools = join(temporary, 'tools')
    mkdirSync(tools)
    const kmod = name === 'Debian 11' ? '../bin/kmod' : '../usr/bin/kmod'
    for (const tool of ['depmod', 'modinfo', 'modprobe']) symlinkSync(kmod, join(tools, tool))
  })
  const libraries = join(folder, 'usr/lib/x86_64-linux-gnu')
  const loader = join(libraries, 'ld-linux-x86-64.so.2')
  const command = (program: string, args: readonly string[]): Command =>
    name === 'Debian 11'
      ? { file: program, args: [...args], env: { LD_LIBRARY_PATH: libraries } }
      : { file: loader, args: ['--library-path', libraries, program, ...args], env: {} }
  return { command, tool: (tool, args) => command(join(folder, 'tools', tool), args) }
}
