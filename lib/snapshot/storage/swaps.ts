/** The swap areas of /proc/swaps. */
import type { SwapArea } from '../../kernel/snapshot'
import { unescapeOctal } from '../system/mount-tables'
import type { Sources } from '../system/sources'

export async function readSwaps({ sysfs, blockDevices, stack }: Sources): Promise<SwapArea[]> {
  // A kernel without support for swap does not have this file.
  const rows = parseSwaps((await sysfs.text('/proc/swaps')) ?? '')
  return Promise.all(
    rows.map(async ({ path, isFile }): Promise<SwapArea> => {
      if (isFile) return { path, below: await stack.modules(stack.ofFile(path)) }
      const device = await blockDevices.byPath(path)
      return { path, below: device === null ? [] : await stack.modules([device]) }
    }),
  )
}

/** A heading, and rows "PATH TYPE SIZE USED PRIORITY". Source: swap_show() in mm/swapfile.c. */
export function parseSwaps(text: string): { path: string; isFile: boolean }[] {
  return text
    .split('\n')
    .slice(1)
    .filter((row) => row !== '')
    .map((row) => {
      const [name = '', kind] = row.split(/\s+/)
      return { path: unescapeOctal(name).replace(/ \(deleted\)$/, ''), isFile: kind === 'file' }
    })
}
