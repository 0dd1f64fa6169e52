/** Reads what is appended to a file. */
import { closeSync, openSync, readSync } from 'node:fs'
import { StringDecoder } from 'node:string_decoder'

/** Milliseconds between two looks. */
const INTERVAL = 200

/**
 * Calls `onText` with what is appended to a file, until the returned function is called. What it throws
 * goes to `onError`, once.
 */
export function follow(
  path: string,
  onText: ((text: string) => void) | undefined,
  onError: (error: unknown) => void,
): () => void {
  if (onText === undefined) return () => undefined
  const file = openSync(path, 'r')
  const buffer = Buffer.alloc(64 * 1024)
  const decoder = new StringDecoder('utf8')
  const passOn = (): void => {
    for (;;) {
      const length = readSync(file, buffer, 0, buffer.length, null)
      if (length === 0) return
      onText(decoder.write(buffer.subarray(0, length)))
    }
  }
  const look = (): void => {
    try {
      passOn()
    } catch (error) {
      clearInterval(timer)
      onError(error)
    }
  }
  const timer = setInterval(look, INTERVAL)
  return () => {
    clearInterval(timer)
    look()
    closeSync(file)
  }
}
