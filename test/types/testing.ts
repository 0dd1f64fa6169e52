/** What a strict user writes with node-kmod/testing and node-kmod/vm must type-check. */
import { IdleReaper, type Kmod, type User } from 'node-kmod'
import { simulate, type SimulatedModule, type SimulatedSystem, type World } from 'node-kmod/testing'
import { isKmodError, runInVm, type VmOptions, type VmResult } from 'node-kmod/vm'

export async function simulated(users: User[], signal: AbortSignal): Promise<World> {
  const tun: SimulatedModule = { name: 'tun', refCount: undefined, exit: { hangs: true } }
  const system: SimulatedSystem = { modules: [tun, { name: 'a', uses: ['tun'] }], users }
  const kmod = simulate(system)
  const usual: Kmod = kmod
  await usual.unload('a', { wait: 1_000, signal })
  new IdleReaper({ candidates: ['*'], kmod }).start()
  kmod.world.add({ name: 'b', state: 'unloaded' })
  kmod.world.emit({ action: 'overrun', module: null, sequence: 1, at: new Date() })
  await kmod.world.advance(1_000)
  return kmod.world
}

export async function real(timeout: number | undefined, signal: AbortSignal): Promise<string> {
  const options: VmOptions = { kernel: '6.12', command: ['true'], timeout, cwd: undefined, signal }
  try {
    const { exitCode, stdout, files }: VmResult = await runInVm({
      ...options,
      kernel: { image: '/boot/vmlinuz', modules: '/lib/modules/6.12.0' },
      onConsole: (text) => text.length,
      onOutput: (text, stream: 'stdout' | 'stderr') => stream + text,
    })
    return `${exitCode.toFixed()} ${stdout} ${files.get('a')?.toString('utf8') ?? ''}`
  } catch (error) {
    return isKmodError(error, 'ERR_KMOD_VM') ? error.console.slice(-100) : ''
  }
}

// @ts-expect-error -- not a kernel that is downloaded
void runInVm({ kernel: '6.13', command: ['true'] })
// @ts-expect-error -- without a command
void runInVm({ kernel: '6.12' })
// @ts-expect-error -- not a state
simulate({ modules: [{ name: 'a', state: 'gone' }] })
