import fc from 'fast-check'
import { checkAlias, checkName, isName, normalize } from '../../lib/contract/names'

const valueError = expect.objectContaining({ code: 'ERR_INVALID_ARG_VALUE' }) as unknown
const typeError = expect.objectContaining({ code: 'ERR_INVALID_ARG_TYPE' }) as unknown

function thrownBy(run: () => unknown): unknown {
  try {
    run()
  } catch (error) {
    return error
  }
  return undefined
}

describe('a module name', () => {
  test.each(['dummy', 'snd_hda_intel', '8250', 'a', 'x'.repeat(55), 'name+plus', "it's"])(
    'may be %p',
    (name) => {
      expect(checkName(name)).toBe(name)
    },
  )

  test('is normalized to underscores', () => {
    expect(checkName('snd-hda-intel')).toBe('snd_hda_intel')
  })

  test.each([
    ['empty', ''],
    ['56 bytes long', 'x'.repeat(56)],
    ['with a slash', 'a/b'],
    ['with a dot, where libkmod would cut it', 'dummy.whatever'],
    ['with a blank', 'a b'],
    ['with a newline', 'a\n'],
    ['with a tab', '\ta'],
    ['with a NUL', 'a\0b'],
    ['with a control character', 'a\x7fb'],
    ['beyond ASCII', 'dümmy'],
    ['the parent folder', '..'],
  ])('may not be %s', (_, name) => {
    expect(thrownBy(() => checkName(name))).toEqual(valueError)
    expect(thrownBy(() => checkName(name))).toBeInstanceOf(TypeError)
  })

  test.each([undefined, null, 5, true, {}, [], ['dummy'], Symbol('dummy'), Buffer.from('dummy')])(
    'may not be %p, which is not a string',
    (value) => {
      expect(thrownBy(() => checkName(value))).toEqual(typeError)
      expect(thrownBy(() => checkName(value))).toBeInstanceOf(TypeError)
    },
  )

  test('never has a character that is special in a path, in a shell or to libkmod', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 60 }), (text) => {
        const passes = thrownBy(() => checkName(text)) === undefined
        const harmless =
          Buffer.byteLength(text) <= 55 && text !== '' && !/[\0-\x20\x7f-\uffff/.]/.test(text)
        expect(passes).toBe(harmless)
        expect(isName(text)).toBe(harmless)
      }),
    )
  })
})

describe('an alias', () => {
  test.each(['fs-ext4', 'pci:v00008086d*', 'a.b/c d', 'ü', '\n', 'x'.repeat(4095)])(
    'may be %p and is not changed',
    (alias) => {
      expect(checkAlias(alias)).toBe(alias)
    },
  )

  test.each([
    ['empty', ''],
    ['longer than 4,095 bytes', 'x'.repeat(4096)],
    ['longer than 4,095 bytes in UTF-8', 'ü'.repeat(2048)],
    ['with a NUL', 'a\0'],
  ])('may not be %s', (_, alias) => {
    expect(thrownBy(() => checkAlias(alias))).toEqual(valueError)
  })

  test('must be a string', () => {
    expect(thrownBy(() => checkAlias(7))).toEqual(typeError)
  })
})

test('normalizing twice is the same as once', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      expect(normalize(normalize(text))).toBe(normalize(text))
      expect(normalize(text)).not.toContain('-')
    }),
  )
})
