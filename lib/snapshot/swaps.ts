import type { SwapArea } from '../kernel'
import type { BlockDevices } from './block-devices'
import { unescapeOctal } from './mountinfo'
import type { Stack } from './stack'

/**
 * `text`: of /proc/swaps, a heading and rows "PATH TYPE SIZE USED PRIORITY". Source: swap_show() in
 * mm/swapfile.c.
 */
export function readSwaps(text: string, devices: BlockDevices, stack: Stack): Promise<SwapArea[]> {
  const rows = text
    .split('\n')
    .slice(1)
    .filter((row) => row !== '')
  return Promise.all(
    rows.map(async (row): Promise<SwapArea> => {
      const [name = '', kind] = row.split(/\s+/)
      const path = unescapeOctal(name).replace(/ \(deleted\)$/, '')
      if (kind === 'file') return { path, below: await stack.modules(stack.ofFile(path)) }
      const device = await devices.byPath(path)
      return { path, below: device === null ? [] : await stack.modules([device]) }
    }),
  )
}
