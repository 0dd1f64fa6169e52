/** Lists of records in an answer of the helper: how many, and each field by field. */
import type { Reader } from './wire'

export function records<T>(reader: Reader, read: (reader: Reader) => T): T[] {
  return Array.from({ length: integer(reader) }, () => read(reader))
}

export const integer = (reader: Reader): number => Number(reader.text())
