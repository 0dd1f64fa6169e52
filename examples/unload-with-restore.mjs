// Unloads all of several modules or none: if one of them cannot be unloaded, those that were already
// removed are loaded again, with their parameters.
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
    console.error(`removed: ${removed.join(', ')}; loaded again: ${restored.join(', ') || 'none'}`)
  }
  for (const { module, message } of notRestored) console.error(`lost: ${module}. ${message}`)
  for (const { module, name, before, after } of parametersLost) {
    console.error(`${module}: parameter ${name} was ${before} and is now ${after}`)
  }
  process.exitCode = 1
}
