/** The parser of /proc/modules. */
import fc from 'fast-check'
import { parseTable } from '../../lib/kernel/table'
import type { LoadedModule } from '../../lib/contract/types'

// The rows are from kernels 6.1 and 7.2.
test('each row is a module, in the order of the kernel', () => {
  const text =
    'br_netfilter 36864 0 - Live 0xffffffffc0a41000\n' +
    'bridge 311296 1 br_netfilter, Live 0xffffffffc09f1000\n' +
    'kmodtest_no_exit 16384 0 [permanent], Live 0xffffffffc0a4b000 (OE)\n' +
    'llc 16384 2 bridge,stp,[permanent], Live 0x0000000000000000\n' +
    'slow 16384 -1 - Unloading 0xffffffffc0a46000 (OE)\n' +
    'fresh 16384 1 - Loading 0xffffffffc0a46000 (OE+)\n'
  expect(parseTable(text)).toEqual<LoadedModule[]>([
    row('br_netfilter', 36864, 0),
    row('bridge', 311296, 1, { holders: ['br_netfilter'] }),
    row('kmodtest_no_exit', 16384, 0, { permanent: true, taints: 'OE' }),
    row('llc', 16384, 2, { holders: ['bridge', 'stp'], permanent: true }),
    row('slow', 16384, null, { state: 'unloading', taints: 'OE' }),
    row('fresh', 16384, 1, { state: 'loading', taints: 'OE+' }),
  ])
})

test('without CONFIG_MODULE_UNLOAD there are no reference counts', () => {
  expect(parseTable('dummy 16384 - - Live 0x0\n')).toEqual([row('dummy', 16384, null)])
})

test('an empty table has no module', () => {
  expect(parseTable('')).toEqual([])
})

test('every module that the kernel can print is read as it is', () => {
  const name = fc.stringMatching(/^[a-z0-9_]{1,20}$/)
  const module = fc.record({
    name,
    size: fc.nat(),
    refCount: fc.option(fc.nat()),
    holders: fc.array(name, { maxLength: 5 }),
    state: fc.constantFrom('live' as const, 'loading' as const, 'unloading' as const),
    permanent: fc.boolean(),
    taints: fc.constantFrom('', 'P', 'OE', 'OE+'),
  })
  fc.assert(
    fc.property(fc.array(module), (modules) => {
      expect(parseTable(modules.map(printRow).join(''))).toEqual(modules)
    }),
  )
})

function row(
  name: string,
  size: number,
  refCount: number | null,
  more: Partial<LoadedModule> = {},
): LoadedModule {
  return { name, size, refCount, holders: [], state: 'live', permanent: false, taints: '', ...more }
}

/** As m_show() in kernel/module/procfs.c prints it. */
function printRow(module: LoadedModule): string {
  const users = [...module.holders, ...(module.permanent ? ['[permanent]'] : [])]
  const state = { live: 'Live', loading: 'Loading', unloading: 'Unloading' }[module.state]
  const fields = [
    module.name,
    module.size,
    module.refCount ?? -1,
    users.length === 0 ? '-' : users.map((user) => `${user},`).join(''),
    state,
    '0xffffffffc0a41000',
    ...(module.taints === '' ? [] : [`(${module.taints})`]),
  ]
  return `${fields.join(' ')}\n`
}
