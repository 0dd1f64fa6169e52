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
  const names = [...rows(route).flatMap(ofIpv4), ...rows(route6).flatMap(ofIpv6)]
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

/** The interface of an IPv4 default route: IFACE DESTINATION GATEWAY FLAGS REFERENCES USE METRIC MASK ... */
function ofIpv4(row: string[]): string[] {
  const [name, destination, , flags, , , , mask] = row
  const isDefault = destination === '00000000' && mask === '00000000'
  return isDefault && isUsable(flags) ? [name!] : []
}

/** The same of IPv6: DESTINATION LENGTH SOURCE LENGTH NEXT-HOP METRIC REFERENCES USE FLAGS IFACE */
function ofIpv6(row: string[]): string[] {
  const [destination, length, , , , , , , flags, name] = row
  const isDefault = length === '00' && /^0+$/.test(destination!)
  // Where there is no default route, the loopback interface has one that rejects.
  return isDefault && name !== undefined && name !== 'lo' && isUsable(flags) ? [name] : []
}

function isUsable(flags: string | undefined): boolean {
  const bits = Number.parseInt(flags ?? '0', 16)
  return (bits & UP) !== 0 && (bits & REJECT) === 0
}
