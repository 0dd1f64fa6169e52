/**
 * The messages to and from the helper: their format (native/process/wire.h is the other end) and the
 * fields in them (native/helper/fields.h is the other end).
 */
import { buildAdvice } from '../addon-file'
import { KmodError } from '../../contract/errors'
import type { NativeFailure } from '../../kernel/failure'

export interface Message {
  id: number
  strings: string[]
}

const NUMBER_BYTES = 4

/** The longest message, without its length field: kMessageLimit in native/process/wire.h. */
export const MESSAGE_LIMIT = 256 * 1024 * 1024

/** The error for a message of the helper that cannot be understood. `what` completes "because ...". */
export function malformedMessage(what: string): KmodError {
  return new KmodError(
    'ERR_KMOD_SYSTEM',
    `A message of the helper program cannot be understood, because ${what}. The helper may belong to ` +
      `another version of node-kmod. ${buildAdvice()}`,
  )
}

export function encode({ id, strings }: Message): Buffer {
  const lengths = strings.map((text) => Buffer.byteLength(text))
  const length = lengths.reduce((sum, one) => sum + NUMBER_BYTES + one, NUMBER_BYTES)
  if (length > MESSAGE_LIMIT) {
    throw new KmodError(
      'ERR_KMOD_SYSTEM',
      `A request to the helper program is ${length} bytes long, more than the limit of ${MESSAGE_LIMIT}.`,
    )
  }
  const bytes = Buffer.allocUnsafe(NUMBER_BYTES + length)
  let at = bytes.writeUInt32LE(length, 0)
  at = bytes.writeUInt32LE(id, at)
  strings.forEach((text, i) => {
    at = bytes.writeUInt32LE(lengths[i]!, at)
    at += bytes.write(text, at)
  })
  return bytes
}

/** Assembles messages from the pieces in which a stream delivers them. */
export class Decoder {
  /** What was pushed and not decoded yet. Joined only when a whole message or its length has arrived. */
  #pieces: Buffer[] = []
  #length = 0
  /** How many bytes are needed before more can be decoded. */
  #wanted = NUMBER_BYTES;

  /** Throws if the bytes are not a message; then nothing after them can be decoded either. */
  *push(piece: Buffer): Generator<Message> {
    this.#pieces.push(piece)
    this.#length += piece.length
    while (this.#length >= this.#wanted) {
      const bytes = this.#pieces.length === 1 ? this.#pieces[0]! : Buffer.concat(this.#pieces)
      const length = bytes.readUInt32LE(0)
      if (length > MESSAGE_LIMIT) {
        throw malformedMessage(`it has ${length} bytes, more than the limit of ${MESSAGE_LIMIT}`)
      }
      const end = NUMBER_BYTES + length
      const complete = bytes.length >= end
      this.#keep(complete ? bytes.subarray(end) : bytes, complete ? NUMBER_BYTES : end)
      if (complete) yield decodeBody(bytes.subarray(NUMBER_BYTES, end))
    }
  }

  #keep(rest: Buffer, wanted: number): void {
    this.#pieces = [rest]
    this.#length = rest.length
    this.#wanted = wanted
  }
}

function decodeBody(body: Buffer): Message {
  const numberAt = (at: number): number => {
    if (at + NUMBER_BYTES > body.length) throw malformedMessage('it ends within a number')
    return body.readUInt32LE(at)
  }
  const id = numberAt(0)
  const strings: string[] = []
  for (let at = NUMBER_BYTES; at < body.length;) {
    const begin = at + NUMBER_BYTES
    at = begin + numberAt(at)
    if (at > body.length) throw malformedMessage('a string is longer than the message')
    strings.push(body.toString('utf8', begin, at))
  }
  return { id, strings }
}

/** A flag as a field of a request. */
export const flagString = (flag: boolean): string => (flag ? '1' : '0')

/** A list as fields of a request. */
export const listStrings = (list: readonly string[]): string[] => [String(list.length), ...list]

/** Reads the fields of an answer in their order. Each method throws if the field is malformed. */
export class Reader {
  #at = 0

  constructor(private readonly strings: readonly string[]) {}

  get atEnd(): boolean {
    return this.#at >= this.strings.length
  }

  /** Throws if the answer has more fields. */
  end(): void {
    if (!this.atEnd) throw malformedMessage('an answer has more fields than expected')
  }

  text(): string {
    const text = this.strings[this.#at++]
    if (text === undefined) throw malformedMessage('an answer has fewer fields than expected')
    return text
  }

  flag(): boolean {
    const text = this.text()
    if (text !== '0' && text !== '1') throw malformedMessage(`"${text}" is not a flag`)
    return text === '1'
  }

  number(): number {
    const text = this.text()
    const number = Number(text)
    if (!/^-?\d+$/.test(text) || !Number.isSafeInteger(number)) {
      throw malformedMessage(`"${text}" is not a number`)
    }
    return number
  }

  list(): string[] {
    return this.records((reader) => reader.text())
  }

  optional(): string | null {
    return this.flag() ? this.text() : null
  }

  /** Reads the number of records, and then each record. */
  records<T>(read: (reader: Reader) => T): T[] {
    const count = this.number()
    // Checked before memory is allocated for the records: each has at least one field.
    if (count < 0 || count > this.strings.length - this.#at) {
      throw malformedMessage('an answer has fewer fields than expected')
    }
    return Array.from({ length: count }, () => read(this))
  }

  /** Reply::Put(Failure) in native/helper/fields.h is the other end. */
  nativeFailure(): NativeFailure {
    const kind = this.text()
    if (!isFailureKind(kind)) throw malformedMessage(`"${kind}" is not a kind of failure`)
    return {
      failure: kind,
      errno: this.number(),
      errnoName: this.text(),
      syscall: this.text(),
      detail: this.text(),
    }
  }
}

function isFailureKind(kind: string): kind is NativeFailure['failure'] {
  return ['system', 'library', 'format', 'unsupported', 'transient', 'permission'].includes(kind)
}
