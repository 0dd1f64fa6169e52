/** Algorithms of the crypto API that are in use. */
import { using, type FindUsers } from './kind'

/**
 * Each use of an algorithm takes a reference to the algorithm and one to its module. The count of the
 * algorithm also includes one for its registration. Source: crypto_mod_get() in crypto/api.c.
 */
export const cryptoUsers: FindUsers = (row, { algorithms }) =>
  using(algorithms, row)
    .filter(({ refCount }) => refCount > 1)
    .map(({ name, driver, refCount }) => ({
      kind: 'crypto',
      module: row.name,
      name: driver,
      value: name,
      references: refCount - 1,
      release: {
        kind: null,
        text: `stop everything that uses the algorithm ${name} (an encrypted disk or file system, a VPN, a socket of a program)`,
        command: null,
      },
    }))
