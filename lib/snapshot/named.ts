/** What has no more to it than a name and a value: each kind in a file of its own. */
import type { NamedUse } from '../kernel/snapshot'
import { readBinaryFormats } from './binary-formats'
import { readConsoles } from './system/consoles'
import { readCrypto } from './crypto'
import { readLineDisciplines } from './line-disciplines'
import { readSound } from './sound'
import type { Sources } from './system/sources'

const READERS: readonly ((sources: Sources) => Promise<NamedUse[]>)[] = [
  readCrypto,
  readConsoles,
  readSound,
  readLineDisciplines,
  readBinaryFormats,
]

export async function readNamed(sources: Sources): Promise<NamedUse[]> {
  return (await Promise.all(READERS.map((read) => read(sources)))).flat()
}
