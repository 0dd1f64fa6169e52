/** The default routes, from the routing tables of /proc/net. */
import type { SystemFiles } from '../kernel/system-files'
import type { RawLink, RawSurvey } from '../snapshot/system/raw-survey'

/** RTF_UP and RTF_REJECT in include/uapi/linux/route.h. */
const UP = 0x1
const REJECT = 0x200

/** Source: fib_route_seq_show() in net/ipv4/fib_trie.c, rt6_info_route() in net/ipv6/route.c. */
export async function capturedRoutes(
  files: SystemFiles,
  links: readonly RawLink[],
): Promise<Pick<RawSurvey, 'defaultRoutes' | 'unreadable'>> {
  const [route, route6] = await files.readTexts(['/proc/net/route', '/proc/net/ipv6_route'])
  const names = [...defaultRoutes(rows(route), ofIpv4), ...defaultRoutes(rows(route6), ofIpv6)]
  return {
    defaultRoutes: links
      .filter(({ name }) => names.includes(name))
      .map(({ netns, index }) => ({ netns, index })),
    // A kernel without IPv6 has no ipv6_route.
    unreadable: route === null ? ['routes: /proc/net/route was not captured'] : [],
  }
}

function rows(text: string | null | undefined): string[][] {
  return (text ?? '').split('\n').map((row) => row.trim().split(/\s+/))
}

/** What a route covers: every address, or the lower or upper half of all. */
interface WideRoute {
  covers: 'all' | 'lower' | 'upper'
  name: string
}

/** The interfaces of default routes. A VPN may set two routes instead, each to half of all addresses. */
function defaultRoutes(table: string[][], parse: (row: string[]) => WideRoute | null): string[] {
  const routes = table.map(parse).filter((route) => route !== null)
  const hasBothHalves = ['lower', 'upper'].every((half) =>
    routes.some(({ covers }) => covers === half),
  )
  return routes.filter(({ covers }) => covers === 'all' || hasBothHalves).map(({ name }) => name)
}

/** IFACE DESTINATION GATEWAY FLAGS REFERENCES USE METRIC MASK ..., the bytes of addresses reversed. */
function ofIpv4(row: string[]): WideRoute | null {
  const [name, destination, , flags, , , , mask] = row
  if (!isUsable(flags)) return null
  if (mask === '00000080') {
    return { covers: destination === '00000080' ? 'upper' : 'lower', name: name! }
  }
  return mask === '00000000' && destination === mask ? { covers: 'all', name: name! } : null
}

/** DESTINATION LENGTH SOURCE LENGTH NEXT-HOP METRIC REFERENCES USE FLAGS IFACE */
function ofIpv6(row: string[]): WideRoute | null {
  const [destination, length, , , , , , , flags, name] = row
  // If there is no default route, the kernel lists one that rejects, on the loopback interface.
  if (name === undefined || name === 'lo' || !isUsable(flags)) return null
  if (length === '01') return { covers: destination!.startsWith('8') ? 'upper' : 'lower', name }
  return length === '00' && /^0+$/.test(destination!) ? { covers: 'all', name } : null
}

function isUsable(flags: string | undefined): boolean {
  const bits = Number.parseInt(flags ?? '0', 16)
  return (bits & UP) !== 0 && (bits & REJECT) === 0
}
