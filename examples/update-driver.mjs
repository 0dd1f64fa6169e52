// Replaces a running driver by a new build: unloads the driver and what depends on it, loads the new file
// and everything else again. If the new file does not load, the old driver is loaded again, so install the
// file only after this has succeeded.
//
//   sudo node examples/update-driver.mjs ./new/bridge.ko [MORE_FILES...]
import { isKmodError, kmod } from 'node-kmod'

const [file, ...files] = process.argv.slice(2)
try {
  const report = await kmod.reload(
    { file, files },
    {
      holders: 'remove', // what depends on the driver is unloaded too, and loaded again
      wait: 10_000,
      onFailure: 'restore', // also if the unload fails
      onStep: ({ step, index, total, state }) => {
        if (state === 'done') console.log(`[${index + 1}/${total}] ${step.action} ${step.module}`)
      },
    },
  )
  console.log(`loaded: ${report.loaded.join(', ')}`)
  for (const { module, name, before, after } of report.parametersLost) {
    console.log(`${module}: parameter ${name} was ${before} and is now ${after}`)
  }
} catch (error) {
  if (!isKmodError(error)) throw error
  console.error(`${error.code}: ${error.message}`)
  const { restored = [], notRestored = [] } = error.report ?? {}
  if (restored.length > 0) console.error(`running again as before: ${restored.join(', ')}`)
  for (const { module, message } of notRestored) console.error(`lost: ${module}. ${message}`)
  process.exitCode = 1
}
