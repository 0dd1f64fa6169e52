/** Module files that a test writes. */
import { makeModuleFile as makeFile } from '../../lib/capture/module-file'

export function makeModuleFile(fields: Record<string, string>): Buffer {
  return makeFile(Object.entries(fields).map(([key, value]) => ({ key, value })))
}
