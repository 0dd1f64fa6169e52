/** How a loop device is set up. */
import type { SystemFiles } from './system-files'

/** The ending that the kernel shows after the path of a file that has no name any more. */
const DELETED = ' (deleted)'

/** The argv that sets a loop device up as it is now; `null`: it is no loop device, or its file is gone. */
export async function readLoopSetup(files: SystemFiles, path: string): Promise<string[] | null> {
  const name = /^\/dev\/(loop\d+)$/.exec(path)?.[1]
  if (name === undefined) return null
  const folder = `/sys/block/${name}`
  const texts = await files.readTexts([
    `${folder}/loop/backing_file`,
    `${folder}/loop/offset`,
    `${folder}/loop/sizelimit`,
    `${folder}/loop/partscan`,
    `${folder}/loop/dio`,
    `${folder}/ro`,
    `${folder}/queue/logical_block_size`,
  ])
  const [file, offset, limit, scan, direct, readOnly, size] = texts.map(
    (text) => text?.replace(/\n$/, '') ?? null,
  )
  if (file == null || file === '' || file.endsWith(DELETED)) return null
  return [
    'losetup',
    ...(readOnly === '1' ? ['--read-only'] : []),
    ...(offset == null || offset === '0' ? [] : ['--offset', offset]),
    ...(limit == null || limit === '0' ? [] : ['--sizelimit', limit]),
    ...(scan === '1' ? ['--partscan'] : []),
    ...(direct === '1' ? ['--direct-io=on'] : []),
    ...(size == null || size === '512' ? [] : ['--sector-size', size]),
    path,
    file,
  ]
}
