import fc from 'fast-check'
import { Decoder, encode, MESSAGE_LIMIT, Reader, type Message } from '../../lib/live/helper/wire'

const MALFORMED: unknown = expect.objectContaining({ code: 'ERR_KMOD_SYSTEM' })

test('messages are decoded as they were sent, even if they arrive in pieces of any size', () => {
  const messages = fc.array(
    fc.record({ id: fc.nat(2 ** 32 - 1), strings: fc.array(fc.string({ unit: 'grapheme' })) }),
  )
  fc.assert(
    fc.property(messages, fc.integer({ min: 1, max: 50 }), (sent, size) => {
      expect(decodeInPieces(Buffer.concat(sent.map(encode)), size)).toEqual(sent)
    }),
  )
})

test('the bytes are those that native/process/wire.h describes', () => {
  expect([...encode({ id: 258, strings: ['ab', ''] })]).toEqual([
    14, 0, 0, 0, 2, 1, 0, 0, 2, 0, 0, 0, 97, 98, 0, 0, 0, 0,
  ])
})

test('a long message is copied once, and not once for each piece', () => {
  const text = 'x'.repeat(8 * 1024 * 1024)
  const bytes = encode({ id: 1, strings: [text] })
  const concat = jest.spyOn(Buffer, 'concat')
  try {
    expect(decodeInPieces(bytes, 64 * 1024)).toEqual([{ id: 1, strings: [text] }])
    const copied = concat.mock.results
      .map(({ value }) => (value as Buffer).length)
      .reduce((sum, length) => sum + length, 0)
    expect(copied).toBeLessThanOrEqual(2 * bytes.length)
  } finally {
    concat.mockRestore()
  }
})

test.each([
  ['that is longer than the limit', [0xff, 0xff, 0xff, 0xff]],
  ['without an id', [1, 0, 0, 0, 7]],
  ['that is empty', [0, 0, 0, 0]],
  ['with a string that is longer than the message', [10, 0, 0, 0, 1, 0, 0, 0, 9, 0, 0, 0, 97, 98]],
  ['that ends within the length of a string', [6, 0, 0, 0, 1, 0, 0, 0, 97, 98]],
])('a message %s is an error, after the messages before it', (_, malformed) => {
  const decoder = new Decoder()
  const decoding = decoder.push(
    Buffer.concat([encode({ id: 7, strings: ['a'] }), Buffer.from(malformed)]),
  )
  expect(decoding.next().value).toEqual({ id: 7, strings: ['a'] })
  expect(() => decoding.next()).toThrow(MALFORMED as Error)
})

test('a request that is longer than the limit is an error', () => {
  expect(() => encode({ id: 1, strings: ['x'.repeat(MESSAGE_LIMIT)] })).toThrow(MALFORMED as Error)
})

test('a reader takes the fields of an answer in their order', () => {
  const reader = new Reader([
    ...['text', '1', '0', '42', '2', 'a', 'b', '0', '1', 'x', '0'],
    ...['system', '16', 'EBUSY', 'delete_module', 'dummy'],
  ])
  expect(reader.text()).toBe('text')
  expect(reader.flag()).toBe(true)
  expect(reader.flag()).toBe(false)
  expect(reader.number()).toBe(42)
  expect(reader.list()).toEqual(['a', 'b'])
  expect(reader.list()).toEqual([])
  expect(reader.optional()).toBe('x')
  expect(reader.optional()).toBeNull()
  expect(reader.atEnd).toBe(false)
  expect(reader.nativeFailure()).toEqual({
    failure: 'system',
    errno: 16,
    errnoName: 'EBUSY',
    syscall: 'delete_module',
    detail: 'dummy',
  })
  expect(reader.atEnd).toBe(true)
  reader.end()
})

test.each<[string, string[], (reader: Reader) => unknown]>([
  ['no field', [], (reader) => reader.text()],
  ['a flag that is a word', ['yes'], (reader) => reader.flag()],
  ['a flag that is another number', ['2'], (reader) => reader.flag()],
  ['an empty number', [''], (reader) => reader.number()],
  ['a number that is a word', ['x'], (reader) => reader.number()],
  ['a number with a fraction', ['1.5'], (reader) => reader.number()],
  ['a number that is too large', ['9007199254740993'], (reader) => reader.number()],
  ['a list that is too short', ['2', 'a'], (reader) => reader.list()],
  ['a list of a negative length', ['-1'], (reader) => reader.list()],
  ['a list of an absurd length', ['4000000000', 'a'], (reader) => reader.list()],
  ['an optional without its text', ['1'], (reader) => reader.optional()],
  ['an unknown kind of failure', ['x', '1', 'a', 'b', 'c'], (reader) => reader.nativeFailure()],
  ['a field too many', ['a'], (reader) => reader.end()],
])('%s is an error', (_, strings, read) => {
  expect(() => read(new Reader(strings))).toThrow(MALFORMED as Error)
})

function decodeInPieces(bytes: Buffer, size: number): Message[] {
  const decoder = new Decoder()
  const messages: Message[] = []
  for (let at = 0; at < bytes.length; at += size) {
    messages.push(...decoder.push(bytes.subarray(at, at + size)))
  }
  return messages
}
