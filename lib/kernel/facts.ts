/** What a kernel and this process can do, read from files; works without the addon. */
import { gunzipSync } from 'node:zlib'
import type { KernelFacts } from './kernel'

/** Reads a file of the system looked at; `null` where there is none or it cannot be read. */
export interface FactFiles {
  read(path: string): Promise<string | null>
  readBytes(path: string): Promise<Buffer | null>
  /** The target of a symbolic link, such as those in /proc/self/ns. */
  readLink(path: string): Promise<string | null>
}

/** include/uapi/linux/capability.h */
const CAP_SYS_MODULE = 16n
/** PROC_USER_INIT_INO in include/linux/proc_ns.h: the inode of the initial user namespace. */
const INITIAL_USER_NAMESPACE = 'user:[4026531837]'

export async function readKernel(
  files: FactFiles,
  release: string,
  moduleDirectory: string,
): Promise<KernelFacts['kernel']> {
  const [table, disabled, lockdown, config] = await Promise.all([
    files.read('/proc/modules'),
    files.read('/proc/sys/kernel/modules_disabled'),
    files.read('/sys/kernel/security/lockdown'),
    readConfig(files, release, moduleDirectory),
  ])
  const modules = table !== null
  // "NAME SIZE - -": a kernel without CONFIG_MODULE_UNLOAD keeps no references.
  const countsReferences = !/^\S+ \d+ - /m.test(table ?? '')
  return {
    release,
    modules,
    unload: modules && (isSet(config, 'CONFIG_MODULE_UNLOAD') ?? countsReferences),
    forceUnload: isSet(config, 'CONFIG_MODULE_FORCE_UNLOAD'),
    modulesDisabled: disabled?.trim() === '1',
    lockdown: lockdown === null ? null : (/\[(\w+)\]/.exec(lockdown)?.[1] ?? null),
  }
}

/** Has this process CAP_SYS_MODULE where the kernel asks for it, in the initial user namespace? */
export async function readCapability(files: FactFiles): Promise<boolean> {
  const [status, namespace] = await Promise.all([
    files.read('/proc/self/status'),
    files.readLink('/proc/self/ns/user'),
  ])
  const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(status ?? '')?.[1]
  if (effective === undefined) return false
  // A kernel without user namespaces has no such link, and one namespace. (The uid_map does not
  // tell: a nested namespace can map every id to itself.)
  if (namespace !== null && namespace !== INITIAL_USER_NAMESPACE) return false
  return ((BigInt(`0x${effective}`) >> CAP_SYS_MODULE) & 1n) === 1n
}

async function readConfig(
  files: FactFiles,
  release: string,
  moduleDirectory: string,
): Promise<string | null> {
  const packed = await files.readBytes('/proc/config.gz')
  if (packed !== null) {
    try {
      return gunzipSync(packed).toString()
    } catch {
      // damaged (a captured system): the other places may have it
    }
  }
  for (const path of [
    `/boot/config-${release}`,
    `${moduleDirectory}/config`,
    `${moduleDirectory}/build/.config`,
  ]) {
    const text = await files.read(path)
    if (text?.includes('CONFIG_MODULES')) return text
  }
  return null
}

function isSet(config: string | null, option: string): boolean | null {
  if (config === null) return null
  return new RegExp(`^${option}=y$`, 'm').test(config)
}
