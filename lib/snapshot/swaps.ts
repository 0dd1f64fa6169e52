import type { SwapArea } from '../kernel/snapshot'
import type { BlockDevices } from './system/block-devices'
import { unescapeOctal } from './system/mountinfo'
import type { Stack } from './system/stack'

/**
 * `text`: of /proc/swaps, a heading and rows "PATH TYPE SIZE USED PRIORITY". Source: swap_show() in
 * mm/swapfile.c.
 */
export function swapRows(text: string): { path: string; isFile: boolean }[] {
  return text
    .split('\n')
    .slice(1)
    .filter((row) => row !== '')
    .map((row) => {
      const [name = '', kind] = row.split(/\s+/)
      return { path: unescapeOctal(name).replace(/ \(deleted\)$/, ''), isFile: kind === 'file' }
    })
}

export function readSwaps(text: string, devices: BlockDevices, stack: Stack): Promise<SwapArea[]> {
  return Promise.all(
    swapRows(text).map(async ({ path, isFile }): Promise<SwapArea> => {
      if (isFile) return { path, below: await stack.modules(stack.ofFile(path)) }
      const device = await devices.byPath(path)
      return { path, below: device === null ? [] : await stack.modules([device]) }
    }),
  )
}
