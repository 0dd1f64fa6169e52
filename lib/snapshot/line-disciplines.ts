import type { NamedUse } from '../kernel/snapshot'
import type { Sources } from './system/sources'

/**
 * The line disciplines that modules have registered. Each terminal that uses one takes a reference of
 * its module; which do, the kernel tells to nobody but them. Source: tty_ldiscs_seq_show() and
 * tty_ldisc_get() in drivers/tty/tty_ldisc.c.
 */
export async function readLineDisciplines({ sysfs, aliases }: Sources): Promise<NamedUse[]> {
  const rows = parseLineDisciplines((await sysfs.text('/proc/tty/ldiscs')) ?? '')
  const uses = await Promise.all(
    rows.map(async ({ name, number }): Promise<NamedUse> => ({
      kind: 'tty',
      name,
      value: `line discipline ${number}`,
      modules: await aliases.ofLineDiscipline(number),
      references: null,
      release: {
        text: `end what has set a terminal to line discipline ${name} (such as ldattach, slattach or pppd), if anything has`,
        command: null,
      },
    })),
  )
  return uses.filter(({ modules }) => modules.length > 0)
}

/** Rows "NAME NUMBER". */
export function parseLineDisciplines(text: string): { name: string; number: number }[] {
  return text.split('\n').flatMap((row) => {
    const [, name, number] = /^(\S.*?)\s+(\d{1,3})$/.exec(row) ?? []
    // The plain terminal is always there.
    return name === undefined || number === '0' ? [] : [{ name, number: Number(number) }]
  })
}
