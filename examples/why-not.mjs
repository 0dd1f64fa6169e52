// "Why can't I unload this?" Prints a short table of what uses a module, how many references each user
// holds, and how it releases the module.
//
//   sudo node examples/why-not.mjs MODULE
//   node examples/why-not.mjs --root FOLDER MODULE      (a captured system: its /proc, /sys, /lib/modules)
import { parseArgs } from 'node:util'
import { isKmodError, Kmod } from 'node-kmod'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { root: { type: 'string', default: '/' } },
})
const kmod = new Kmod({ root: values.root })
const [name = ''] = positionals
try {
  const usage = await kmod.explain(name)
  console.log(
    `${usage.module}: ${usage.status}` +
      (usage.refCount === null ? '' : `, ${usage.refCount} references`) +
      (usage.permanent ? ', permanent (it has no exit function)' : ''),
  )
  const rows = usage.users.map(({ kind, references, release }) => [
    kind,
    references ?? '?',
    release.text,
  ])
  const width = Math.max(0, ...rows.map(([kind]) => kind.length))
  for (const [kind, references, text] of rows) {
    console.log(`  ${kind.padEnd(width)}  ${String(references).padStart(3)}  ${text}`)
  }
  if (usage.unexplained > 0) {
    console.log(`  ${usage.unexplained} references without a known user`)
  }
  for (const what of usage.unreadable) console.log(`  not readable: ${what}`)

  // Reference count 0 does not mean unused.
  for (const { severity, message } of await kmod.impact(name)) {
    console.log(`  ${severity}: ${message}`)
  }
} catch (error) {
  if (!isKmodError(error)) throw error
  console.error(error.message)
  process.exitCode = 1
}
