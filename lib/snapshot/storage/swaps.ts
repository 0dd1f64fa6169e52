/** The swap areas of /proc/swaps. */
import type { SwapArea } from '../../kernel/snapshot'
import { unescapeOctal } from '../system/mount-tables'
import type { Sources } from '../system/sources'

export async function readSwaps({ sysfs, blockDevices, stack }: Sources): Promise<SwapArea[]> {
  // A kernel without support for swap does not have this file.
  const rows = parseSwaps((await sysfs.text('/proc/swaps')) ?? '')
  const opens = opensOf(await sysfs.text('/proc/sys/kernel/osrelease'))
  return Promise.all(
    rows.map(async ({ path, isFile }): Promise<SwapArea> => {
      if (isFile) {
        const places = stack.ofFile(path)
        const fileOn = places[0]?.superblock ?? null
        return { path, fileOn, opens: 0, below: await stack.modules(places) }
      }
      const device = await blockDevices.byPath(path)
      const below = device === null ? [] : await stack.modules([device])
      return { path, fileOn: null, opens, below }
    }),
  )
}

/**
 * Since Linux 6.10 swapon(2) opens a device once; before, claim_swapfile() opened it a second time.
 * Source: mm/swapfile.c.
 */
function opensOf(release: string | null): number | null {
  const [, major, minor] = /^(\d+)\.(\d+)/.exec(release ?? '') ?? []
  if (major === undefined) return null
  return Number(major) * 1000 + Number(minor) >= 6010 ? 1 : 2
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
