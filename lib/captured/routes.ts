import type { SystemFiles } from '../kernel/system-files'
import type { RawSurvey } from '../snapshot/system/raw'

/** RTF_UP and RTF_REJECT in include/uapi/linux/route.h. */
const UP = 0x1
const REJECT = 0x200

/** The interfaces of the default routes. Source: fib_route_seq_show(), rt6_info_route(). */
export async function capturedRoutes(
  files: SystemFiles,
  links: RawSurvey['links'],
): Promise<Pick<RawSurvey, 'defaultRoutes' | 'unreadable'>> {
  const [route, route6] = await files.readFiles(['/proc/net/route', '/proc/net/ipv6_route'])
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

/** IFACE DESTINATION GATEWAY FLAGS REFERENCES USE METRIC MASK ... */
function ofIpv4(row: string[]): string[] {
  const [name, destination, , flags, , , , mask] = row
  const isDefault = destination === '00000000' && mask === '00000000'
  return isDefault && leadsSomewhere(flags) ? [name!] : []
}

/** DESTINATION LENGTH SOURCE LENGTH NEXT-HOP METRIC REFERENCES USE FLAGS IFACE */
function ofIpv6(row: string[]): string[] {
  const [destination, length, , , , , , , flags, name] = row
  const isDefault = length === '00' && /^0+$/.test(destination!)
  // The loopback has the route that says that there is none.
  return isDefault && name !== undefined && name !== 'lo' && leadsSomewhere(flags) ? [name] : []
}

function leadsSomewhere(flags: string | undefined): boolean {
  const bits = Number.parseInt(flags ?? '0', 16)
  return (bits & UP) !== 0 && (bits & REJECT) === 0
}
