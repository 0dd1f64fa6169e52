import { checkParameters, parameterString } from '../../lib/contract/parameters'

const print = (parameters: unknown): string => parameterString(checkParameters(parameters))

test('each type of value is written as the kernel reads it', () => {
  expect(
    print({ a: 'text', b: 5, c: true, d: false, e: [1, 2, 'x'], f: -1.5, g: '', h: undefined }),
  ).toBe('a=text b=5 c=1 d=0 e=1,2,x f=-1.5 g=')
  expect(print({})).toBe('')
})

test('a value with white space is quoted', () => {
  expect(print({ 'mod.dyndbg': 'file a.c +p', ids: ['a b', 'c'] })).toBe(
    'mod.dyndbg="file a.c +p" ids="a b,c"',
  )
})

test.each([
  ['a double quote', { a: 'x"y' }],
  ['a newline', { a: 'x\ny' }],
  ['a NUL', { a: 'x\0y' }],
  ['a double quote in a list', { a: ['"'] }],
  ['NaN', { a: NaN }],
  ['Infinity', { a: [1, Infinity] }],
  ['null', { a: null }],
  ['an object', { a: {} }],
  ['a list of lists', { a: [[1]] }],
  ['a list with a boolean', { a: [true] }],
  ['a bigint', { a: 5n }],
  ['a name with a blank', { 'a b': 1 }],
  ['a name with an equals sign', { 'a=b': 1 }],
  ['an empty name', { '': 1 }],
])('%s is a TypeError', (_, parameters) => {
  expect(() => checkParameters(parameters)).toThrow(TypeError)
  expect(() => checkParameters(parameters)).toThrow(
    expect.objectContaining({ code: 'ERR_INVALID_ARG_VALUE' }) as Error,
  )
})
