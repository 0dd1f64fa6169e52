/** The key of the method that `await using` calls. */

/** Node before 20.5 has no such symbol. Libraries, and Node itself, then use this one. */
export const asyncDispose: typeof Symbol.asyncDispose =
  // eslint-disable-next-line @typescript-eslint/no-unnecessary-condition -- see above
  Symbol.asyncDispose ?? (Symbol.for('nodejs.asyncDispose') as typeof Symbol.asyncDispose)
