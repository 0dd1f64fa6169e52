/** The terminal line disciplines that modules have registered. */
import type { LineDiscipline } from '../../kernel/snapshot'
import type { Sources } from '../system/sources'

export async function readLineDisciplines({ sysfs, aliases }: Sources): Promise<LineDiscipline[]> {
  const rows = parseLineDisciplines((await sysfs.text('/proc/tty/ldiscs')) ?? '')
  const found = await Promise.all(
    rows.map(async ({ name, number }) => ({
      name,
      number,
      modules: await aliases.ofLineDiscipline(number),
    })),
  )
  return found.filter(({ modules }) => modules.length > 0)
}

/** Rows "NAME NUMBER". Source: tty_ldiscs_seq_show() in drivers/tty/tty_ldisc.c. */
export function parseLineDisciplines(text: string): { name: string; number: number }[] {
  return text.split('\n').flatMap((row) => {
    const [, name, number] = /^(\S.*?)\s+(\d{1,3})$/.exec(row) ?? []
    // Number 0, N_TTY, is compiled into every kernel.
    return name === undefined || number === '0' ? [] : [{ name, number: Number(number) }]
  })
}
