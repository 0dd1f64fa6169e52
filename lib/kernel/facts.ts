/** What the kernel supports and what this process may do, read from files. */
import { gunzipSync } from 'node:zlib'
import type { KernelFacts } from './kernel'
import type { SystemFiles } from './system-files'

/** include/uapi/linux/capability.h */
const CAP_SYS_MODULE = 16n
/** PROC_USER_INIT_INO in include/linux/proc_ns.h: the inode of the initial user namespace. */
const INITIAL_USER_NAMESPACE = 'user:[4026531837]'

export async function readKernel(
  files: SystemFiles,
  release: string,
  moduleDirectory: string,
): Promise<KernelFacts['kernel']> {
  const [[table, disabled, lockdown], config] = await Promise.all([
    files.readTexts([
      '/proc/modules',
      '/proc/sys/kernel/modules_disabled',
      '/sys/kernel/security/lockdown',
    ]),
    readConfig(files, release, moduleDirectory),
  ])
  const modules = table != null
  // A kernel without CONFIG_MODULE_UNLOAD counts no references: its rows begin with "NAME SIZE - -".
  const countsReferences = !/^\S+ \d+ - /m.test(table ?? '')
  return {
    release,
    modules,
    unload: modules && (isSet(config, 'CONFIG_MODULE_UNLOAD') ?? countsReferences),
    forceUnload: isSet(config, 'CONFIG_MODULE_FORCE_UNLOAD'),
    modulesDisabled: disabled?.trim() === '1',
    lockdown: /\[(\w+)\]/.exec(lockdown ?? '')?.[1] ?? null,
  }
}

/**
 * Whether the process that reads the files has CAP_SYS_MODULE in the initial user namespace, where the
 * kernel checks it. That is the helper, which also makes the changes: the capabilities of a file, set on
 * the executable of Node with setcap, do not reach it.
 */
export async function readCapability(files: SystemFiles): Promise<boolean> {
  const [[status], [namespace]] = await Promise.all([
    files.readTexts(['/proc/self/status']),
    files.readLinks(['/proc/self/ns/user']),
  ])
  const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(status ?? '')?.[1]
  if (effective === undefined) return false
  // A kernel without user namespaces has no such link and only the initial namespace. /proc/self/uid_map
  // is no evidence: a nested namespace can map every id to itself.
  if (namespace != null && namespace !== INITIAL_USER_NAMESPACE) return false
  return ((BigInt(`0x${effective}`) >> CAP_SYS_MODULE) & 1n) === 1n
}

/** The taint flags of the kernel, one bit each. Source: Documentation/admin-guide/tainted-kernels.rst. */
export async function readTaints(files: SystemFiles): Promise<bigint> {
  const [text] = await files.readTexts(['/proc/sys/kernel/tainted'])
  return BigInt(text?.trim() ?? 0)
}

/** The build configuration of the kernel; `null`: it is in none of the usual places. */
async function readConfig(
  files: SystemFiles,
  release: string,
  moduleDirectory: string,
): Promise<string | null> {
  const [packed] = await files.readBytes(['/proc/config.gz'])
  if (packed != null) {
    try {
      return gunzipSync(packed).toString()
    } catch {
      // The file is damaged, which is possible in a captured system. The other files may be intact.
    }
  }
  const texts = await files.readTexts([
    `/boot/config-${release}`,
    `${moduleDirectory}/config`,
    `${moduleDirectory}/build/.config`,
  ])
  return texts.find((text) => text?.includes('CONFIG_MODULES')) ?? null
}

function isSet(config: string | null, option: string): boolean | null {
  if (config === null) return null
  return new RegExp(`^${option}=y$`, 'm').test(config)
}
