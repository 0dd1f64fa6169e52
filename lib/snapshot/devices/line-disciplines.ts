/** The terminal line disciplines that modules have registered. */
import type { LineDiscipline } from '../../kernel/snapshot'
import { inNamespace } from '../../kernel/net-namespace'
import type { Sources } from '../system/sources'

/**
 * Disciplines that make a network interface of each terminal, by the names of these interfaces, which
 * no other driver uses. Source: sl_alloc() in drivers/net/slip/slip.c, sixpack_open() in
 * drivers/net/hamradio/6pack.c, mkiss_open() in drivers/net/hamradio/mkiss.c.
 */
const INTERFACES: Readonly<Record<string, RegExp>> = {
  slip: /^sl\d+$/,
  '6pack': /^sp\d+$/,
  mkiss: /^ax\d+$/,
}

export async function readLineDisciplines({
  sysfs,
  aliases,
  raw,
}: Sources): Promise<LineDiscipline[]> {
  const rows = parseLineDisciplines((await sysfs.text('/proc/tty/ldiscs')) ?? '')
  const found = await Promise.all(
    rows.map(async ({ name, number }) => ({
      name,
      number,
      interfaces: interfacesOf(name, raw.links),
      modules: await aliases.ofLineDiscipline(number),
    })),
  )
  return found.filter(({ modules }) => modules.length > 0)
}

function interfacesOf(name: string, links: Sources['raw']['links']): string[] | null {
  const pattern = INTERFACES[name]
  if (pattern === undefined) return null
  return links
    .filter((link) => link.kind === null && pattern.test(link.name))
    .map((link) => inNamespace(link.netns, link.name))
}

/** Rows "NAME NUMBER". Source: tty_ldiscs_seq_show() in drivers/tty/tty_ldisc.c. */
export function parseLineDisciplines(text: string): { name: string; number: number }[] {
  return text.split('\n').flatMap((row) => {
    const [, name, number] = /^(\S.*?)\s+(\d{1,3})$/.exec(row) ?? []
    // Number 0, N_TTY, is compiled into every kernel.
    return name === undefined || number === '0' ? [] : [{ name, number: Number(number) }]
  })
}
