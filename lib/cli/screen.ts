/** One output of the process: how wide it is, which colours it has, and who reads it. */
import { once } from 'node:events'
import { WriteStream } from 'node:tty'
import pc from 'picocolors'

type Paint = ReturnType<typeof pc.createColors>

export class Screen {
  readonly isTerminal: boolean
  readonly paint: Paint
  readonly #stream: NodeJS.WriteStream
  #isClosed = false

  /** `onClosed`: called when nobody reads the output any more, as after `| head`. */
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

  /** Columns. What is not a terminal gets lines of any length, for programs that read line by line. */
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

  /** Resolves when a slow reader has taken what was written, so that no memory fills up meanwhile. */
  async drained(signal: AbortSignal): Promise<void> {
    if (!this.#isClosed && this.#stream.writableNeedDrain) {
      await once(this.#stream, 'drain', { signal })
    }
  }

  /** Lines of text; nothing, if there are none. */
  print(text: string): void {
    if (text !== '') this.write(`${text}\n`)
  }
}

/** NO_COLOR, FORCE_COLOR and TERM decide as everywhere in Node.js. */
function hasColours(stream: NodeJS.WriteStream): boolean {
  if (!stream.isTTY && process.env.FORCE_COLOR === undefined) return false
  // Of the prototype, because a stream that is not a terminal has no such method.
  return WriteStream.prototype.getColorDepth.call(stream, process.env) > 1
}
