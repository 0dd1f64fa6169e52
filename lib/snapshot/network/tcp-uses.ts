/** The TCP sockets that use a congestion control or an upper layer protocol of a module. */
import type { TcpUse } from '../../kernel/snapshot'
import type { RawCount } from '../system/raw-survey'
import type { Sources } from '../system/sources'

/** The aliases are those by which the kernel loads the modules. */
export async function readTcpUses({
  raw,
  aliases,
}: Pick<Sources, 'raw' | 'aliases'>): Promise<TcpUse[]> {
  const uses = raw.tcpUses.flatMap(({ netns, congestion, upper }) => {
    const of = ({ name, count }: RawCount, alias: string): Promise<TcpUse> =>
      aliases.ofFirst([alias]).then((modules) => ({ netns, name, count, modules }))
    return [
      ...congestion.map((one) => of(one, `tcp_${one.name}`)),
      ...upper.map((one) => of(one, `tcp-ulp-${one.name}`)),
    ]
  })
  return (await Promise.all(uses)).filter(({ modules }) => modules.length > 0)
}
