import { abortSignal, checkOptions, duration, flag, listOf, path } from '../../lib/contract/options'

interface Sample {
  wait?: number
  force?: boolean
  signal?: AbortSignal
  paths?: readonly string[]
}
const rules = { wait: duration, force: flag, signal: abortSignal, paths: listOf(path) }
const check = (options: unknown): Sample => checkOptions<Sample>(options, rules)

test('undefined is the same as absent, for each option and for all of them', () => {
  expect(check(undefined)).toEqual({})
  expect(check({})).toEqual({})
  expect(Object.keys(check({ wait: undefined, unknown: undefined }))).toEqual([])
})

test('what is right is passed on', () => {
  const { signal } = new AbortController()
  const options = { wait: 0, force: false, signal, paths: ['/a'] }
  expect(check(options)).toEqual(options)
  expect(check({ wait: Infinity })).toEqual({ wait: Infinity })
})

test.each([
  ['an unknown one', { weit: 5 }],
  ['an inherited name', { toString: true }],
  ['a negative time', { wait: -1 }],
  ['NaN', { wait: NaN }],
  ['a time as text', { wait: '5' }],
  ['null', { force: null }],
  ['a truthy value', { force: 1 }],
  ['something that is no signal', { signal: { aborted: false } }],
  ['a list that is none', { paths: '/a' }],
  ['a list with a wrong element', { paths: ['/a', ''] }],
  ['a path with a NUL', { paths: ['/a\0'] }],
])('a TypeError tells %s', (_, options) => {
  expect(() => check(options)).toThrow(TypeError)
  expect(() => check(options)).toThrow(
    expect.objectContaining({ code: 'ERR_INVALID_ARG_VALUE' }) as Error,
  )
})

test.each([null, 5, 'wait', true, []])(
  'options that are no object are of the wrong type: %p',
  (o) => {
    expect(() => check(o)).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_ARG_TYPE' }) as Error,
    )
  },
)

test('a signal of another realm is one', () => {
  const foreign = { aborted: false, addEventListener: () => undefined }
  expect(check({ signal: foreign })).toEqual({ signal: foreign })
})
