/** Counts what one call hands to other threads and processes. */
import { HelperClient } from '../lib/live/helper/client'
import { Decoder } from '../lib/live/helper/wire'
import { load } from '../lib/live/native'

export interface Handovers {
  /** Requests to helpers, by their first word. */
  requests: Record<string, number>
  /** Messages that helpers sent. */
  messages: number
  /** Calls on libuv's thread pool, by the name of the native function. */
  poolTurns: Record<string, number>
}

const add = (counts: Record<string, number>, name: string): void => {
  counts[name] = (counts[name] ?? 0) + 1
}

export const total = (counts: Record<string, number>): number =>
  Object.values(counts).reduce((sum, count) => sum + count, 0)

export const list = (counts: Record<string, number>): string =>
  Object.entries(counts)
    .map(([name, count]) => `${count} ${name}`)
    .join(', ')

/** Replaces the functions that every hand-over passes, for the time of the call. */
export async function countHandovers(call: () => Promise<unknown>): Promise<Handovers> {
  const counts: Handovers = { requests: {}, messages: 0, poolTurns: {} }
  const { begin } = HelperClient.prototype
  const { push } = Decoder.prototype
  const native = load().native as unknown as Record<string, (...args: unknown[]) => unknown>
  const functions = { ...native }
  HelperClient.prototype.begin = function (strings, listener) {
    add(counts.requests, strings[0] ?? '')
    return begin.call(this, strings, listener)
  }
  Decoder.prototype.push = function* (piece) {
    for (const message of push.call(this, piece)) {
      counts.messages++
      yield message
    }
  }
  for (const [name, original] of Object.entries(functions)) {
    native[name] = (...args) => {
      const result = original(...args)
      if (result instanceof Promise) add(counts.poolTurns, name)
      return result
    }
  }
  try {
    await call()
  } finally {
    HelperClient.prototype.begin = begin
    Decoder.prototype.push = push
    Object.assign(native, functions)
  }
  return counts
}
