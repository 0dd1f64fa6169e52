/** watch() while modules are loaded and unloaded a thousand times. */
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { kmod, type ModuleEvent } from 'node-kmod'
import { startReady } from '../../processes'
import { run } from '../../support'

const PAIRS = 1_000

/** The events of dummy as texts, until the last unload, or until some were lost. */
async function take(events: AsyncIterable<ModuleEvent>): Promise<string[]> {
  const texts: string[] = []
  for await (const { action, module, sequence } of events) {
    if (module === 'dummy') texts.push(`${sequence} ${action}`)
    if (action === 'overrun') texts.push(action)
    if (action === 'overrun' || texts.length === 2 * PAIRS) break
  }
  return texts
}

const WORKER = `
  const { parentPort } = require('node:worker_threads')
  const PAIRS = ${PAIRS}
  ${take.toString()}
  const events = require('node-kmod').watch({ modules: ['stp', 'dummy'] })
  parentPort.postMessage('open')
  take(events).then((texts) => parentPort.postMessage(texts))
`

test('two watches and one of a worker lose none of a thousand pairs, or an overrun says so', async () => {
  const worker = new Worker(WORKER, { eval: true })
  await once(worker, 'message')
  const inWorker = once(worker, 'message').then(([texts]) => texts as string[])
  const here = [kmod.watch(), kmod.watch({ modules: 'dummy' })].map(take)
  const file = run('modinfo', ['-n', 'dummy']).trim()
  const script = `for i in $(seq ${PAIRS}); do insmod $1 numdummies=0; rmmod dummy; done; echo done`
  await startReady(['sh', '-c', script, 'sh', file])
  const all = await Promise.all([...here, inWorker])
  await worker.terminate()

  const complete = all.filter((texts) => texts.at(-1) !== 'overrun')
  console.log(`${complete.length} of ${all.length} watches have seen all ${PAIRS} pairs`)
  const actions = Array.from({ length: 2 * PAIRS }, (_, i) => (i % 2 === 0 ? 'load' : 'unload'))
  for (const texts of complete) {
    expect(texts.map((text) => text.split(' ')[1])).toEqual(actions)
    // The kernel's numbers, which are the same for everyone.
    expect(texts).toEqual(complete[0])
  }
}, 1_500_000)
