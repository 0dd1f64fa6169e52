// For a tool that shows a plan, lets a person confirm it elsewhere, and then carries out exactly that
// plan. A plan is plain JSON, so it can go through a file, a queue or a network.
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
  for (const what of plan.unreadable) console.error(`not readable: ${what}`)
  console.error(formatPlan(plan))
  console.log(JSON.stringify(plan))
  process.exitCode = plan.feasible ? 0 : 1
} else {
  const plan = JSON.parse(await text(process.stdin))
  try {
    // An option that permits more than its default must be repeated in this call.
    const { removed } = await kmod.unload(plan, { holders: 'remove' })
    console.log(`removed: ${removed.join(', ')}`)
  } catch (error) {
    if (!isKmodError(error, 'ERR_KMOD_PLAN_CHANGED')) throw error
    console.error(`${error.message}\nThe new plan:\n${formatPlan(error.plan)}`)
    process.exitCode = 1
  }
}
