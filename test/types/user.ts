/** What a strict user writes must type-check; what is wrong must not. Checked against the package. */
import {
  capture,
  graph,
  IdleReaper,
  isKmodError,
  Kmod,
  kmod,
  KmodError,
  list,
  load,
  trace,
  formatPlan,
  plan,
  unload,
  type Effect,
  type KmodErrorCode,
  type LoadedModule,
  type ModuleGraph,
  type ModuleScope,
  type ModuleStatus,
  type ReferenceEvent,
  type ReloadReport,
  type UnloadPlan,
  type UnloadReport,
  type Usage,
} from 'node-kmod'
import { toDot, toHtml, toMermaid, toSvg } from 'node-kmod/graph'

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
  const captured = new Kmod({ root: '/srv/captured', configPaths: ['/etc/modprobe.d'], timeout: 1 })
  const rows = await captured.list()
  await captured.close()
  const disposable: AsyncDisposable = captured
  return loaded.join() + rows.length + typeof disposable
}

export async function takeOut(signal: AbortSignal): Promise<string[]> {
  const planned: UnloadPlan = await plan(['a', 'b'], { holders: 'remove', guard: 'strict' })
  const lines: string = formatPlan(planned)
  const text = planned.steps.map((step) => (step.action === 'run' ? step.shell : step.module))
  for (const blocker of planned.blockers) {
    if (blocker.code === 'ERR_KMOD_HELD') text.push(...blocker.holders)
    if (blocker.code === 'ERR_KMOD_CRITICAL') text.push(blocker.effect.subject)
  }
  const report: UnloadReport = await unload(planned, {
    wait: 1_000,
    settle: 0,
    onFailure: 'restore',
    signal,
    onStep: ({ step, state, blocker }) => text.push(step.module, state, blocker?.code ?? ''),
    onBlocked: async (blocker, users) => {
      for (const user of users) if (user.kind === 'process') text.push(String(user.pid))
      await Promise.resolve(blocker)
    },
  })
  const usage: Usage = await kmod.explain('a')
  const effects: Effect[] = await kmod.impact(['a'])
  return [...report.removed, lines, ...text, ...usage.holders, ...effects.map(({ kind }) => kind)]
}

export async function watchReferences(signal: AbortSignal): Promise<number> {
  const events: AsyncIterableIterator<ReferenceEvent> & AsyncDisposable = trace('tun', { signal })
  for await (const { action, pid, comm, caller, refCount, at } of events) {
    if (action === 'put' && refCount === 0) return pid + at.getTime()
    if (comm?.startsWith(caller)) break
  }
  return 0
}

export function explain(error: unknown): string {
  if (isKmodError(error, 'ERR_KMOD_TIMEOUT')) return error.blocker.module + error.users.length
  if (isKmodError(error, 'ERR_KMOD_PLAN_CHANGED')) return formatPlan(error.plan)
  if (isKmodError(error, 'ERR_KMOD_CRITICAL')) return error.effect.message
  if (isKmodError(error, 'ERR_KMOD_REMOVE_COMMAND')) return error.shell + (error.exitCode ?? '')
  if (isKmodError(error, 'ERR_KMOD_RELEASE')) return error.user.kind + error.command.join()
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

export async function update(file: string): Promise<string[]> {
  const report: ReloadReport = await kmod.reload(
    { file },
    { holders: 'remove', between: ({ removed }) => console.log(removed) },
  )
  return report.loaded
}

export async function inTest(): Promise<boolean | null> {
  const modules: ModuleScope = await kmod.scope({ wait: 1_000 })
  await modules.load('dummy', { parameters: { numdummies: 2 } })
  const { clean, leftovers } = await modules.check()
  await modules.dispose()
  return leftovers.length === 0 ? clean : false
}

export async function firstLoaded(): Promise<string> {
  for await (const event of kmod.watch({ modules: ['dummy'] })) {
    if (event.action === 'overrun') continue
    const name: string = event.module
    return name
  }
  return ''
}

export function reap(): IdleReaper {
  const reaper = new IdleReaper({ candidates: ['nf_*'] })
  reaper.on('spared', (module, reason) => console.log(module.length, reason === 'kept'))
  reaper.on('pass', ({ removed }) => console.log(removed.join()))
  return reaper
}

// @ts-expect-error -- an option that does not exist
void kmod.remove('dummy', { wait: 5 })
// @ts-expect-error -- not one of the words
void plan('dummy', { guard: 'maybe' })
// @ts-expect-error -- not a string
void kmod.find(5)
// @ts-expect-error -- not a code
isKmodError(undefined, 'ERR_KMOD_NOTHING')
// @ts-expect-error -- a parameter that the kernel could not take
void load('dummy', { parameters: { a: null } })

export async function pictures(signal: AbortSignal): Promise<string[]> {
  const picture: ModuleGraph = await graph(['tun'], {
    users: true,
    plan: await plan('tun'),
    signal,
  })
  const drawn = picture.nodes.map(({ id, kind, role, order }) => `${order} ${id} ${kind} ${role}`)
  const plain = toDot({ nodes: [], edges: [] }) + toMermaid(picture)
  const { files, bytes, unreadable } = await capture('/srv/copy', { users: false, signal })
  return [
    ...drawn,
    plain,
    await toSvg(picture),
    await toHtml(picture),
    `${files} ${bytes}`,
    ...unreadable,
  ]
}
