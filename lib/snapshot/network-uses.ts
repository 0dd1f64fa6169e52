/** What in the network uses modules without being an interface or a socket. */
import type { NamedUse } from '../kernel/snapshot'
import type { Aliases } from './system/aliases'
import { readNetworkSettings } from './network-settings'
import { readNfTables } from './nf-tables'
import type { RawSurvey } from './system/raw'
import { readTrafficControl } from './traffic-control'
import { readXTables } from './x-tables'

export async function readNetworkUses(raw: RawSurvey, aliases: Aliases): Promise<NamedUse[]> {
  const uses = await Promise.all([
    readNfTables(raw.nfTables, aliases),
    readTrafficControl(raw, aliases),
    readNetworkSettings(raw.netFiles, aliases),
  ])
  return [...readXTables(raw.netFiles), ...uses.flat()]
}
