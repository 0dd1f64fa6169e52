// For a CI job: make sure that a driver under test is gone, and that nothing is left of it: no
// dependency that only it used, nothing that came back, no complaint of the kernel.
//
//   sudo node examples/ci-leaves-nothing.mjs MODULE...
import { isKmodError, kmod } from 'node-kmod'

const problems = []
try {
  const report = await kmod.unload(process.argv.slice(2), {
    holders: 'remove', // what the test put on top of it goes too
    allowUnknown: true, // the test may have deleted the file
    wait: 30_000, // the last user may still be closing
    settle: 1_000, // udev may load it again
  })
  for (const { module, reason } of report.kept) {
    if (reason !== 'held' && reason !== 'configured') problems.push(`${module} is left: ${reason}`)
  }
  for (const module of report.reappeared) problems.push(`${module} came back`)
  for (const taint of report.newTaints) problems.push(`the kernel is tainted: ${taint}`)
  if (report.clean === false) problems.push(...(report.messages ?? []))
  console.log(`gone: ${[...report.removed, ...report.absent].join(', ')}`)
} catch (error) {
  if (!isKmodError(error)) throw error
  problems.push(error.message)
}
for (const problem of problems) console.error(problem)
process.exitCode = problems.length > 0 ? 1 : 0
