/** What a strict user writes must type-check; what is wrong must not. Checked against the package. */
import {
  isKmodError,
  Kmod,
  kmod,
  KmodError,
  list,
  load,
  type KmodErrorCode,
  type LoadedModule,
  type ModuleStatus,
} from 'node-kmod'

export async function inspect(): Promise<string[]> {
  const modules: LoadedModule[] = await list()
  const status: ModuleStatus = await kmod.status('dummy')
  const found: LoadedModule | undefined = await kmod.find('dummy')
  const info = await kmod.info({ file: '/tmp/x.ko' })
  const path: string | null = info.path
  return [...modules.map(({ name }) => name), status, found?.state ?? '', path ?? '']
}

export async function change(signal: AbortSignal): Promise<string> {
  await kmod.remove('dummy', { force: true, hungAfter: Infinity, signal })
  const { loaded } = await load('dummy', { parameters: { a: 1, b: 'x', c: true, d: [1, 'x'] } })
  const captured = new Kmod({ root: '/srv/captured', configPaths: ['/etc/modprobe.d'] })
  return loaded.join() + (await captured.list()).length
}

export function explain(error: unknown): string {
  if (isKmodError(error, 'ERR_KMOD_HELD')) return error.holders.join()
  if (isKmodError(error, 'ERR_KMOD_HUNG')) return `${error.pid}: ${error.kernelStack ?? '?'}`
  if (isKmodError(error, 'ERR_KMOD_IN_USE', 'ERR_KMOD_PERMANENT')) {
    const code: 'ERR_KMOD_IN_USE' | 'ERR_KMOD_PERMANENT' = error.code
    return code === 'ERR_KMOD_IN_USE' ? String(error.references) : code
  }
  if (isKmodError(error)) {
    const code: KmodErrorCode = error.code
    return `${code} ${error.module ?? ''} ${error.errno ?? 0}`
  }
  if (error instanceof KmodError) return JSON.stringify(error.toJSON())
  return 'other'
}

// @ts-expect-error -- an option that does not exist
void kmod.remove('dummy', { wait: 5 })
// @ts-expect-error -- not a string
void kmod.find(5)
// @ts-expect-error -- not a code
isKmodError(undefined, 'ERR_KMOD_NOTHING')
// @ts-expect-error -- a parameter that the kernel could not take
void load('dummy', { parameters: { a: null } })
