/** The algorithms of the kernel's crypto API that modules have registered. */
import { normalize } from '../contract/names'
import type { CryptoAlgorithm } from '../kernel/snapshot'
import type { Sources } from './system/sources'

export async function readCryptoAlgorithms({ sysfs }: Sources): Promise<CryptoAlgorithm[]> {
  return parseCrypto((await sysfs.text('/proc/crypto')) ?? '')
}

/** Paragraphs of rows "KEY : VALUE". Source: c_show() in crypto/proc.c. */
export function parseCrypto(text: string): CryptoAlgorithm[] {
  return text.split('\n\n').flatMap((paragraph) => {
    const fields = new Map(
      paragraph.split('\n').map((row) => {
        const [, key = '', value = ''] = /^(.*?)\s*:\s?(.*)$/.exec(row) ?? []
        return [key, value]
      }),
    )
    const [name, module] = [fields.get('name'), fields.get('module')]
    const refCount = Number(fields.get('refcnt'))
    // The module of a built-in algorithm is called "kernel".
    if (!name || !module || module === 'kernel' || !(refCount > 0)) return []
    return [{ name, driver: fields.get('driver') ?? name, refCount, modules: [normalize(module)] }]
  })
}
