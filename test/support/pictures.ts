/** Pictures, drawn in a child process: Jest cannot import the package @viz-js/viz as Node.js does. */
import { execFileSync } from 'node:child_process'
import type { ModuleGraph } from '../../lib/contract/types'
import { ROOT } from './child'

export function draw(how: 'toSvg' | 'toHtml', graph: ModuleGraph): string {
  const script = `
    const { text } = require('node:stream/consumers')
    const pictures = require('node-kmod/graph')
    text(process.stdin).then(async (input) =>
      process.stdout.write(await pictures[process.argv[1]](JSON.parse(input))))`
  return execFileSync(process.execPath, ['-e', script, how], {
    cwd: ROOT,
    input: JSON.stringify(graph),
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  })
}
