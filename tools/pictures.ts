/**
 * Makes the pictures of the README from a captured system: `npm run docs:pictures`. An argument names
 * another folder than docs/.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { toSvg } from '../lib/graph'
import { Kmod } from '../lib/kmod'
import { CapturedSystem } from '../test/support/captured-system'
import { fillLaptop } from '../test/support/laptop'

async function main(): Promise<void> {
  const folder = process.argv[2] ?? join(__dirname, '..', 'docs')
  const system = fillLaptop(new CapturedSystem())
  try {
    const kmod = new Kmod({ root: system.root })
    const plan = await kmod.plan(['bridge', 'usb_storage'], { guard: 'off' })
    const graph = await kmod.graph(plan.targets, { users: true, plan })
    mkdirSync(folder, { recursive: true })
    writeFileSync(join(folder, 'plan.svg'), await toSvg(graph))
  } finally {
    system.remove()
  }
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
})
