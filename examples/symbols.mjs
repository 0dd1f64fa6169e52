// Which symbols of a module file does the running kernel lack? Prints each symbol that neither the kernel
// nor a loaded module exports, and the module that would have to be loaded for it, if there is one.
//
//   node examples/symbols.mjs FILE.ko
import { readFileSync } from 'node:fs'
import { Context } from 'node-kmod/libkmod'

const [file = ''] = process.argv.slice(2)
const context = new Context()
try {
  const module = await context.moduleFromPath(file)
  const needed = await module.dependencySymbols()

  // The table of symbols names each export of the kernel and of a loaded module as __ksymtab_NAME.
  const exported = new Set(
    [...readFileSync('/proc/kallsyms', 'utf8').matchAll(/ __ksymtab_(\S+)/g)].map(
      ([, name]) => name,
    ),
  )
  // A weak symbol may be missing.
  const missing = needed.filter(({ symbol, bind }) => bind !== 'weak' && !exported.has(symbol))
  console.log(
    `${module.name} needs ${needed.length} symbols, of which ${missing.length} are missing`,
  )
  for (const { symbol } of missing) {
    const owners = await context.modulesFromLookup(`symbol:${symbol}`)
    const names = owners.map(({ name }) => name).join(', ')
    console.log(`  ${symbol}: ${names === '' ? 'no module exports it' : `load ${names}`}`)
  }
  process.exitCode = missing.length === 0 ? 0 : 1
} catch (error) {
  // Every error of this package has a code.
  if (typeof error.code !== 'string') throw error
  console.error(error.message)
  process.exitCode = 2
} finally {
  context.close()
}
