/** Other systems than the host's for guests: a release of Debian, and Node.js of the registry of npm. */
import { existsSync, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Apt } from '../../lib/vm/apt'
import type { Architecture } from '../../lib/vm/architectures'
import { filledFolder } from '../../lib/vm/cache'
import { Programs } from '../../lib/vm/programs'

export const SYSTEMS = ['Debian 11', 'Debian 13'] as const
export type SystemName = (typeof SYSTEMS)[number]

/** What the guest itself needs, the libraries of Node.js and of node-kmod, and what examples call. */
const PACKAGES = [
  ...['base-files', 'busybox-static', 'libstdc++6', 'libgcc-s1'],
  ...['kmod', 'libkmod2', 'iproute2', 'mount', 'util-linux'],
]
/** What these releases have in packages of their own. */
const MORE_PACKAGES: Record<SystemName, readonly string[]> = {
  'Debian 11': [],
  // libkmod 34 loads them when a module is compressed, and does not depend on them.
  'Debian 13': ['util-linux-extra', 'liblzma5', 'libzstd1', 'zlib1g', 'libssl3t64'],
}

/** The oldest Node.js that node-kmod supports. */
const NODE_VERSION = '20.20.2'
const RECORD = 'system.json'

/** The root of the system, as runInGuest() takes it. Downloads it if the cache does not have it yet. */
export function prepareSystem(name: SystemName, architecture: Architecture): Promise<string> {
  const programs = new Programs()
  return filledFolder(
    ['systems', `${name.replace(' ', '-')}-${architecture.debian}`],
    RECORD,
    async (folder) => {
      const use = async (apt: Apt): Promise<string[]> => {
        const packages = await apt.withDependencies([...PACKAGES, ...MORE_PACKAGES[name]])
        await apt.unpack(packages, folder)
        return packages
      }
      const packages = await Apt.with(name, programs, use, architecture.debian)
      // The maintainer script of dash, which does not run here, would make it.
      if (!existsSync(join(folder, 'bin/sh'))) symlinkSync('busybox', join(folder, 'bin/sh'))
      await addNode(folder, architecture, programs)
      writeFileSync(join(folder, RECORD), JSON.stringify({ packages, node: NODE_VERSION }))
    },
  )
}

async function addNode(folder: string, { node }: Architecture, programs: Programs): Promise<void> {
  const name = `node-linux-${node}`
  const temporary = join(folder, 'node')
  mkdirSync(temporary)
  const pack = ['pack', `${name}@${NODE_VERSION}`, '--silent']
  const packed = await programs.text('npm', pack, { cwd: temporary })
  await programs.output('tar', ['-xf', packed.trim(), 'package/bin/node'], { cwd: temporary })
  renameSync(join(temporary, 'package/bin/node'), join(folder, 'usr/bin/node'))
  rmSync(temporary, { recursive: true })
}
