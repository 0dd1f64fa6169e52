/** The TCP sockets that use a congestion control or an upper layer protocol of a module. */
import { normalize } from '../../contract/names'
import type { TcpUse } from '../../kernel/network-facts'
import type { RawCount } from '../system/raw-survey'
import type { Sources } from '../system/sources'

/**
 * The aliases are those by which the kernel loads the modules. That of a congestion control is the name of
 * its module. One that is compiled into the kernel uses no loaded module.
 */
export async function readTcpUses({
  raw,
  aliases,
}: Pick<Sources, 'raw' | 'aliases'>): Promise<TcpUse[]> {
  const uses = raw.tcpUses.flatMap(({ netns, congestion, upper }) => {
    const of = async ({ name, count }: RawCount, alias: string): Promise<TcpUse> => {
      const found = await aliases.ofFirst([alias])
      return { netns, name, count, modules: found.length > 0 ? found : [normalize(alias)] }
    }
    return [
      ...congestion.map((one) => of(one, `tcp_${one.name}`)),
      ...upper.map((one) => of(one, `tcp-ulp-${one.name}`)),
    ]
  })
  return Promise.all(uses)
}
