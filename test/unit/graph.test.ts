/** graph(): modules and their users as nodes and edges, and the roles of a plan. */
import { Kmod } from '../../lib/kmod'
import type { GraphNode, ModuleGraph } from '../../lib/contract/types'
import { rejection } from '../support/rejection'
import { SimulatedKernel } from '../support/simulated-kernel'
import { mount, openDevice, snapshot } from '../support/snapshots'

let kernel: SimulatedKernel
let kmod: Kmod
/** bridge uses stp and llc, stp uses llc; tun is apart. */
beforeEach(() => {
  kernel = new SimulatedKernel()
  kernel.add('llc')
  kernel.add('stp', { uses: ['llc'] })
  kernel.add('bridge', { uses: ['llc', 'stp'] })
  kernel.add('tun', { references: 1 })
  kmod = Kmod.over(kernel)
})

const ids = ({ nodes }: ModuleGraph): string[] => nodes.map(({ id }) => id).sort()
const links = ({ edges }: ModuleGraph): string[] =>
  edges.map(({ from, to, kind }) => `${from} ${kind} ${to}`).sort()
const nodeOf = ({ nodes }: ModuleGraph, id: string): GraphNode =>
  nodes.find((node) => node.id === id)!

test('has every loaded module, and an edge from each user to what it uses', async () => {
  const graph = await kmod.graph()
  expect(ids(graph)).toEqual(['bridge', 'llc', 'stp', 'tun'])
  expect(links(graph)).toEqual(['bridge uses llc', 'bridge uses stp', 'stp uses llc'])
  const { size } = (await kmod.find('llc'))!
  expect(nodeOf(graph, 'llc')).toEqual({
    id: 'llc',
    kind: 'module',
    label: 'llc',
    refCount: 2,
    size,
  })
  expect(graph.unreadable).toBeUndefined()
})

test('of given modules it has all that they use and all that use them', async () => {
  expect(ids(await kmod.graph('stp'))).toEqual(['bridge', 'llc', 'stp'])
  expect(ids(await kmod.graph(['tun']))).toEqual(['tun'])
  expect(ids(await kmod.graph([]))).toEqual([])
  expect(await rejection(kmod.graph('no_such_module'))).toMatchObject({
    code: 'ERR_KMOD_NOT_FOUND',
  })
})

test('a plan gives its modules a role and the number of their step', async () => {
  const plan = await kmod.plan('bridge', { dependencies: 'unused' })
  const graph = await kmod.graph(undefined, { plan })
  expect(nodeOf(graph, 'bridge')).toMatchObject({ role: 'target', order: 1 })
  expect(nodeOf(graph, 'stp')).toMatchObject({ role: 'goes', order: 2 })
  expect(nodeOf(graph, 'llc')).toMatchObject({ role: 'goes', order: 3 })
  expect(nodeOf(graph, 'tun').role).toBeUndefined()

  const blocked = await kmod.graph(undefined, { plan: await kmod.plan('llc') })
  expect(nodeOf(blocked, 'llc').role).toBe('target')
  expect(nodeOf(blocked, 'stp').role).toBe('blocks')
  expect(nodeOf(blocked, 'bridge').role).toBe('blocks')

  const keeping = await kmod.plan('bridge', { dependencies: 'keep' })
  const kept = await kmod.graph(undefined, { plan: JSON.parse(JSON.stringify(keeping)) as never })
  expect(nodeOf(kept, 'stp')).toMatchObject({ role: 'stays' })
})

test('users are nodes, one for a user of several modules, and those that block are marked', async () => {
  kernel.snapshotNow = snapshot({
    mounts: [mount('/mnt/a\nb', '8:1', { modules: ['stp'], below: ['llc'] })],
    openDevices: [openDevice(77, '/dev/net/tun', { comm: 'vpn\x1b', modules: ['tun'] })],
  })
  const plan = await kmod.plan('tun')
  const graph = await kmod.graph(undefined, { users: true, plan })
  expect(nodeOf(graph, 'process:77')).toEqual({
    id: 'process:77',
    kind: 'process',
    label: 'vpn\\u{1b} (77)',
    role: 'blocks',
  })
  expect(links(graph)).toContain('process:77 uses tun')
  const mounts = graph.nodes.filter(({ kind }) => kind === 'mount')
  expect(mounts.map(({ label }) => label)).toEqual(['/mnt/a\\u{a}b'])
  expect(mounts[0]!.role).toBeUndefined()
  expect(links(graph)).toContain(`${mounts[0]!.id} uses stp`)
  // Without the option there are modules only, and the module itself blocks.
  const plain = await kmod.graph(undefined, { plan })
  expect(ids(plain)).toEqual(['bridge', 'llc', 'stp', 'tun'])
  expect(nodeOf(plain, 'tun').role).toBe('blocks')
})

test('a user that the plan releases has the number of its step', async () => {
  const open = openDevice(77, '/dev/net/tun', { modules: ['tun'] })
  kernel.snapshotNow = snapshot({ openDevices: [open] })
  const user = (await kmod.explain('tun')).users[0]!
  const step = { action: 'release', module: 'tun', reason: 'user', user, command: [], undo: null }
  const plan = { ...(await kmod.plan('tun')), blockers: [] }
  const releasing = { ...plan, steps: [step, ...plan.steps] } as never
  const graph = await kmod.graph('tun', { users: true, plan: releasing })
  expect(nodeOf(graph, 'process:77')).toMatchObject({ role: 'goes', order: 1 })
  expect(nodeOf(graph, 'tun')).toMatchObject({ role: 'target', order: 2 })
})

test('many users of one kind are counted, not drawn', async () => {
  const openDevices = Array.from({ length: 5000 }, (_, i) =>
    openDevice(i + 1, '/dev/net/tun', { modules: ['tun'] }),
  )
  kernel.snapshotNow = snapshot({ openDevices })
  const { nodes, edges } = await kmod.graph('tun', { users: true })
  const processes = nodes.filter(({ kind }) => kind === 'process')
  expect(processes).toHaveLength(31)
  expect(processes.at(-1)!.label).toBe('4970 more of kind process')
  expect(edges).toHaveLength(31)
})

test('wrong arguments are refused', async () => {
  for (const [names, options] of [
    [undefined, { user: true }],
    [undefined, { users: 1 }],
    [undefined, { plan: {} }],
    [undefined, { plan: { targets: [], steps: [null], blockers: [], kept: [] } }],
    [7, {}],
  ] as const) {
    expect(await rejection(kmod.graph(names as never, options as never))).toBeInstanceOf(TypeError)
  }
  const signal = AbortSignal.abort('enough')
  expect(await rejection(kmod.graph(undefined, { signal }))).toMatchObject({
    code: 'ERR_KMOD_ABORTED',
    cause: 'enough',
  })
})
