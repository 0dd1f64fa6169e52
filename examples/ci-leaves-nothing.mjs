// For a CI job, after a test of a driver: unloads the driver and reports everything that the test left
// behind: a dependency that is still loaded, a module that was loaded again, a fault in the kernel log.
//
//   sudo node examples/ci-leaves-nothing.mjs MODULE...
import { isKmodError, kmod } from 'node-kmod'

const problems = []
try {
  const report = await kmod.unload(process.argv.slice(2), {
    holders: 'remove', // modules that the test loaded on top of it are removed too
    allowUnknown: true, // the test may have deleted the module file
    wait: 30_000, // the last user may still be closing the device
    settle: 1_000, // udev may load it again
  })
  for (const { module, reason } of report.kept) {
    // Other modules use it, or the configuration names it: the test did not leave it behind.
    if (reason === 'held' || reason === 'configured') continue
    problems.push(`${module} is still loaded: ${reason}`)
  }
  for (const module of report.reappeared) problems.push(`${module} was loaded again`)
  for (const taint of report.newTaints) problems.push(`the kernel is tainted: ${taint}`)
  if (report.clean === false) problems.push(...(report.messages ?? []))
  console.log(`not loaded any more: ${[...report.removed, ...report.absent].join(', ')}`)
} catch (error) {
  if (!isKmodError(error)) throw error
  problems.push(error.message)
}
for (const problem of problems) console.error(problem)
process.exitCode = problems.length > 0 ? 1 : 0
