// Unloads modules and shows the progress. Stops after a deadline, or on Ctrl-C.
//
//   sudo node examples/unload-with-progress.mjs [--wait SECONDS] MODULE...
import { parseArgs } from 'node:util'
import { isKmodError, kmod } from 'node-kmod'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { wait: { type: 'string', default: '10' } },
})

const interrupted = new AbortController()
process.once('SIGINT', () => interrupted.abort())

try {
  const report = await kmod.unload(positionals, {
    wait: Number(values.wait) * 1000,
    signal: interrupted.signal,
    onStep({ step, index, total, state, blocker }) {
      const what = `[${index + 1}/${total}] ${step.module} (${step.reason})`
      if (state === 'waiting') console.log(`${what}: waiting. ${blocker.message}`)
      if (state === 'done') console.log(`${what}: done`)
    },
    onBlocked(blocker, users) {
      for (const user of users) console.log(`  ${user.release.text}`)
    },
  })
  console.log(`removed: ${report.removed.join(', ') || 'nothing, because nothing was loaded'}`)
  for (const { module, reason } of report.kept) console.log(`kept: ${module} (${reason})`)
  if (report.clean === false) console.log('fault:', report.newTaints, report.messages)
} catch (error) {
  if (!isKmodError(error)) throw error
  console.error(`${error.code}: ${error.message}`)
  if (error.report?.removed.length > 0) {
    console.error(`already removed: ${error.report.removed.join(', ')}`)
  }
  process.exitCode = error.code === 'ERR_KMOD_TIMEOUT' ? 75 : 1 // 75, EX_TEMPFAIL: try again later
}
