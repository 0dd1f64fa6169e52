/** The messages to and from the helper. native/process/wire.h has the format and is the other end. */

export interface Message {
  id: number
  strings: string[]
}

const NUMBER_BYTES = 4

export function encode({ id, strings }: Message): Buffer {
  const parts = strings.map((text) => Buffer.from(text))
  const length = parts.reduce((sum, part) => sum + NUMBER_BYTES + part.length, NUMBER_BYTES)
  const bytes = Buffer.alloc(NUMBER_BYTES + length)
  let at = bytes.writeUInt32LE(length, 0)
  at = bytes.writeUInt32LE(id, at)
  for (const part of parts) {
    at = bytes.writeUInt32LE(part.length, at)
    at += part.copy(bytes, at)
  }
  return bytes
}

/** Puts messages together from the pieces in which a stream delivers them. */
export class Decoder {
  #rest: Buffer = Buffer.alloc(0)

  push(piece: Buffer): Message[] {
    this.#rest = this.#rest.length === 0 ? piece : Buffer.concat([this.#rest, piece])
    const messages: Message[] = []
    for (;;) {
      if (this.#rest.length < NUMBER_BYTES) return messages
      const end = NUMBER_BYTES + this.#rest.readUInt32LE(0)
      if (this.#rest.length < end) return messages
      messages.push(decodeBody(this.#rest.subarray(NUMBER_BYTES, end)))
      this.#rest = this.#rest.subarray(end)
    }
  }
}

function decodeBody(body: Buffer): Message {
  const id = body.readUInt32LE(0)
  const strings: string[] = []
  for (let at = NUMBER_BYTES; at < body.length;) {
    const end = at + NUMBER_BYTES + body.readUInt32LE(at)
    strings.push(body.toString('utf8', at + NUMBER_BYTES, end))
    at = end
  }
  return { id, strings }
}

/** Takes an answer apart. A list is its length and its strings; an optional one of none or one. */
export class Reader {
  #at = 0

  constructor(private readonly strings: readonly string[]) {}

  get atEnd(): boolean {
    return this.#at >= this.strings.length
  }

  text(): string {
    const text = this.strings[this.#at++]
    if (text === undefined) throw new RangeError('an answer of the helper is too short')
    return text
  }

  flag(): boolean {
    return this.text() === '1'
  }

  list(): string[] {
    return Array.from({ length: Number(this.text()) }, () => this.text())
  }

  optional(): string | null {
    return this.list()[0] ?? null
  }
}
