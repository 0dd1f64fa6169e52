// Unloads all of several modules or none of them: should one not go, those that went come back, with
// their parameters.
//
//   sudo node examples/unload-with-restore.mjs MODULE...
import { isKmodError, kmod } from 'node-kmod'

try {
  const { removed } = await kmod.unload(process.argv.slice(2), {
    onFailure: 'restore',
    wait: 5_000,
  })
  console.log(`removed: ${removed.join(', ')}`)
} catch (error) {
  if (!isKmodError(error)) throw error
  console.error(`${error.code}: ${error.message}`)
  const { removed = [], restored = [], notRestored = [], parametersLost = [] } = error.report ?? {}
  if (removed.length > 0) {
    console.error(`went: ${removed.join(', ')}; came back: ${restored.join(', ') || 'none'}`)
  }
  for (const { module, message } of notRestored) console.error(`not back: ${module}. ${message}`)
  for (const { module, name, before, after } of parametersLost) {
    console.error(`${module}: parameter ${name} was ${before}, and is ${after} now`)
  }
  process.exitCode = 1
}
