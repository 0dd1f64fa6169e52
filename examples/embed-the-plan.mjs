// For a tool that wants to show a plan, have it confirmed somewhere else, and carry out that plan and
// no other. The plan is plain JSON: it survives a file, a queue or a network.
//
//   node examples/embed-the-plan.mjs plan MODULE... > plan.json     (needs no privileges)
//   sudo node examples/embed-the-plan.mjs run < plan.json
import { text } from 'node:stream/consumers'
import { formatPlan, isKmodError, kmod } from 'node-kmod'

const [verb, ...modules] = process.argv.slice(2)

if (verb === 'plan') {
  const plan = await kmod.plan(modules, { holders: 'remove' })
  for (const { message } of plan.blockers) console.error(`blocked: ${message}`)
  for (const { severity, message } of plan.effects) console.error(`${severity}: ${message}`)
  for (const what of plan.unreadable) console.error(`not looked at: ${what}`)
  console.error(formatPlan(plan))
  console.log(JSON.stringify(plan))
  process.exitCode = plan.feasible ? 0 : 1
} else {
  const plan = JSON.parse(await text(process.stdin))
  try {
    const { removed } = await kmod.unload(plan)
    console.log(`removed: ${removed.join(', ')}`)
  } catch (error) {
    if (!isKmodError(error, 'ERR_KMOD_PLAN_CHANGED')) throw error
    console.error(`${error.message}\nIt would be now:\n${formatPlan(error.plan)}`)
    process.exitCode = 1
  }
}
