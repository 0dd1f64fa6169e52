import fc from 'fast-check'
import { Decoder, encode, Reader } from '../../lib/live/helper/wire'

test('messages are decoded as they were sent, however the stream divides the bytes', () => {
  const messages = fc.array(
    fc.record({ id: fc.nat(2 ** 32 - 1), strings: fc.array(fc.string({ unit: 'grapheme' })) }),
  )
  fc.assert(
    fc.property(messages, fc.integer({ min: 1, max: 50 }), (sent, size) => {
      const bytes = Buffer.concat(sent.map(encode))
      const decoder = new Decoder()
      const received = []
      for (let at = 0; at < bytes.length; at += size) {
        received.push(...decoder.push(bytes.subarray(at, at + size)))
      }
      expect(received).toEqual(sent)
    }),
  )
})

test('the bytes have the format that native/process/wire.h describes', () => {
  expect([...encode({ id: 258, strings: ['ab', ''] })]).toEqual([
    14, 0, 0, 0, 2, 1, 0, 0, 2, 0, 0, 0, 97, 98, 0, 0, 0, 0,
  ])
})

test('a reader returns texts, flags, lists and optional texts, and throws behind the end', () => {
  const reader = new Reader(['text', '1', '0', '2', 'a', 'b', '0', '1', 'x', '0'])
  expect(reader.text()).toBe('text')
  expect(reader.flag()).toBe(true)
  expect(reader.flag()).toBe(false)
  expect(reader.list()).toEqual(['a', 'b'])
  expect(reader.list()).toEqual([])
  expect(reader.optional()).toBe('x')
  expect(reader.optional()).toBeNull()
  expect(reader.atEnd).toBe(true)
  expect(() => reader.text()).toThrow(RangeError)
})
