import type { KmodError } from '../../lib/contract/errors'

/** The error that a promise rejects with. Throws if the promise resolves. */
export async function rejection(promise: Promise<unknown>): Promise<KmodError> {
  const outcome: unknown = await promise.then(
    (value) => ({ resolved: value }),
    (reason: unknown) => reason,
  )
  if (!(outcome instanceof Error)) {
    throw new Error(
      `A rejection was expected, but the promise resolved with ${JSON.stringify(outcome)}`,
    )
  }
  return outcome as KmodError
}
