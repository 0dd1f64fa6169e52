import type { NamedUse } from '../kernel/snapshot'
import { normalize } from '../contract/names'
import type { Sources } from './system/sources'

/**
 * The algorithms of modules that something has allocated. Each use takes a reference of the algorithm
 * and of its module; the algorithm has one more for being registered. Source: c_show() in crypto/proc.c,
 * crypto_mod_get() in crypto/api.c.
 */
export async function readCrypto({ sysfs }: Sources): Promise<NamedUse[]> {
  return parseCrypto((await sysfs.text('/proc/crypto')) ?? '')
}

/** Paragraphs of rows "KEY : VALUE". */
export function parseCrypto(text: string): NamedUse[] {
  return text.split('\n\n').flatMap((paragraph) => {
    const fields = new Map(
      paragraph.split('\n').map((row) => {
        const [, key = '', value = ''] = /^(.*?)\s*:\s?(.*)$/.exec(row) ?? []
        return [key, value]
      }),
    )
    const [name, module] = [fields.get('name'), fields.get('module')]
    const references = Number(fields.get('refcnt')) - 1
    if (!name || !module || module === 'kernel' || !(references > 0)) return []
    return [
      {
        kind: 'crypto',
        name: fields.get('driver') ?? name,
        value: name,
        modules: [normalize(module)],
        references,
        release: {
          text: `end what uses the algorithm ${name} (an encrypted disk or file system, a VPN, a socket of a program)`,
          command: null,
        },
      },
    ]
  })
}
