/** Standard output or standard error: its width, its colours, and whether it is still read. */
import { once } from 'node:events'
import { WriteStream } from 'node:tty'
import pc from 'picocolors'

type Paint = ReturnType<typeof pc.createColors>

export class Screen {
  readonly isTerminal: boolean
  readonly paint: Paint
  readonly #stream: NodeJS.WriteStream
  #isClosed = false

  /** `onClosed`: called when the reader has closed the output, as `head` does. */
  constructor(stream: NodeJS.WriteStream, onClosed?: () => void) {
    this.#stream = stream
    this.isTerminal = stream.isTTY
    this.paint = pc.createColors(hasColours(stream))
    stream.on('error', (error: NodeJS.ErrnoException) => {
      this.#isClosed = true
      // A full disk, for example.
      if (error.code !== 'EPIPE') process.exitCode = 1
      onClosed?.()
    })
  }

  /** Columns. Without a terminal, lines can have any length, because programs read line by line. */
  get width(): number {
    // A terminal that does not know its width reports 0.
    return this.isTerminal ? this.#stream.columns || 80 : Infinity
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  write(text: string): void {
    if (!this.#isClosed) this.#stream.write(text)
  }

  /** Resolves when a slow reader has read what was written: what waits for it takes memory. */
  async drained(signal: AbortSignal): Promise<void> {
    if (!this.#isClosed && this.#stream.writableNeedDrain) {
      await once(this.#stream, 'drain', { signal })
    }
  }

  /** Prints lines of text; nothing if the text is empty. */
  print(text: string): void {
    if (text !== '') this.write(`${text}\n`)
  }
}

/** NO_COLOR, FORCE_COLOR and TERM decide as everywhere in Node.js. */
function hasColours(stream: NodeJS.WriteStream): boolean {
  if (!stream.isTTY && process.env.FORCE_COLOR === undefined) return false
  // The method of the prototype, because a stream that is not a terminal does not have it.
  return WriteStream.prototype.getColorDepth.call(stream, process.env) > 1
}
