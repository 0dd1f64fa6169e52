// Unloads a module together with what keeps it in use: unmounts, stops swapping, deletes interfaces, ends
// processes. Prints the plan, and carries it out with --yes. If a step fails, everything is put back that can be.
//
//   sudo node examples/clear-the-way.mjs [--yes] MODULE KIND...
//   sudo node examples/clear-the-way.mjs --yes vfat mount process
import { formatPlan, isKmodError, kmod } from 'node-kmod'

const yes = process.argv.includes('--yes')
const [module, ...release] = process.argv.slice(2).filter((one) => one !== '--yes')
const options = { release, onFailure: 'restore', wait: 5_000 }

const plan = await kmod.plan(module, options)
console.log(formatPlan(plan))
for (const { message } of plan.effects) console.log(`# ${message}`)
for (const { message } of plan.blockers) console.error(message)
if (!plan.feasible) {
  process.exitCode = 1
} else if (yes) {
  try {
    // The plan that was shown is the plan that runs.
    const { removed } = await kmod.unload(plan, options)
    console.log(`removed: ${removed.join(', ')}`)
  } catch (error) {
    if (!isKmodError(error)) throw error
    console.error(`${error.code}: ${error.message}`)
    for (const lost of error.report?.notRestored ?? [])
      console.error(`not put back: ${lost.message}`)
    process.exitCode = 1
  }
}
