import {
  abortSignal,
  checkOptions,
  duration,
  effect,
  flag,
  listOf,
  oneOf,
  path,
} from '../../lib/contract/options'
import { nearest } from '../../lib/contract/nearest'

interface Sample {
  wait?: number
  force?: boolean
  signal?: AbortSignal
  paths?: readonly string[]
}
const rules = { wait: duration, force: flag, signal: abortSignal, paths: listOf(path) }
const check = (options: unknown): Sample => checkOptions<Sample>(options, rules)

test('undefined means the same as absent, for one option and for all', () => {
  expect(check(undefined)).toEqual({})
  expect(check({})).toEqual({})
  expect(Object.keys(check({ wait: undefined, unknown: undefined }))).toEqual([])
})

test('valid options are returned', () => {
  const { signal } = new AbortController()
  const options = { wait: 0, force: false, signal, paths: ['/a'] }
  expect(check(options)).toEqual(options)
  expect(check({ wait: Infinity })).toEqual({ wait: Infinity })
})

test.each([
  ['an unknown option', { weit: 5 }],
  ['an inherited name', { toString: true }],
  ['a negative time', { wait: -1 }],
  ['NaN', { wait: NaN }],
  ['a time as text', { wait: '5' }],
  ['null', { force: null }],
  ['a truthy value', { force: 1 }],
  ['a wrong signal', { signal: { aborted: false } }],
  ['something that is not a list', { paths: '/a' }],
  ['a list with a wrong element', { paths: ['/a', ''] }],
  ['a path with a NUL', { paths: ['/a\0'] }],
])('%s is a TypeError', (_, options) => {
  expect(() => check(options)).toThrow(TypeError)
  expect(() => check(options)).toThrow(
    expect.objectContaining({ code: 'ERR_INVALID_ARG_VALUE' }) as Error,
  )
})

test.each([
  [{ waits: 5 }, 'Unknown option "waits". Did you mean "wait"?'],
  [{ Force: true }, 'Unknown option "Force". Did you mean "force"?'],
  [{ toString: true }, 'Unknown option "toString". The options are wait, force, signal, paths.'],
])('the error for %p names the nearest option, or all', (options, message) => {
  expect(() => check(options)).toThrow(message)
})

test.each([null, 5, 'wait', true, []])('options must be an object, not %p', (o) => {
  expect(() => check(o)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARG_TYPE' }) as Error)
})

test('a signal of another realm is valid', () => {
  const foreign = { aborted: false, addEventListener: () => undefined }
  expect(check({ signal: foreign })).toEqual({ signal: foreign })
})

describe('"did you mean"', () => {
  const wrong = (value: unknown): string => {
    const words = { holders: oneOf('refuse', 'remove'), allow: listOf(effect) }
    try {
      checkOptions(value, words)
    } catch (error) {
      return (error as Error).message
    }
    return ''
  }

  test('names the most similar value of an option', () => {
    expect(wrong({ holders: 'remvoe' })).toBe(
      `The "options.holders" argument must be one of 'refuse', 'remove'. Received 'remvoe'. Did you mean "remove"?`,
    )
    expect(wrong({ holders: 'yes' })).toMatch(/Received 'yes'$/)
    expect(wrong({ holders: 5 })).toMatch(/Received 5$/)
  })

  test.each([
    ['default-rout', 'Did you mean "default-route"?'],
    ['sessions', 'Did you mean "session"?'],
    ['Firewall:inet fw', 'Did you mean "firewall"?'],
    ['file-system:/srv', 'Did you mean "filesystem"?'],
  ])('names the kind of effect that is most similar to %p', (accepted, advice) => {
    const message = wrong({ allow: ['swap', accepted] })
    expect(message).toContain('options.allow')
    expect(message).toContain(accepted)
    expect(message.endsWith(advice)).toBe(true)
  })

  test('names all kinds of effects if none is similar', () => {
    expect(wrong({ allow: ['everything'] })).toMatch(/root-filesystem, filesystem, swap.*Received/)
    expect(wrong({ allow: ['everything'] })).not.toContain('Did you mean')
  })

  test.each(['swap', 'firewall:inet fw', 'input', 'storage:a:b', 'filesystem:/a\nb'])(
    'an effect may be %p',
    (accepted) => {
      expect(wrong({ allow: [accepted] })).toBe('')
    },
  )

  test.each([['swap:'], [''], [':eth0'], [5], [null], ['toString']])('and not %p', (accepted) => {
    expect(wrong({ allow: [accepted] })).toContain('options.allow')
  })

  test('is only for words that are similar', () => {
    expect(nearest('dumy', ['tun', 'dummy', 'dumb'])).toBe('dummy')
    expect(nearest('DUMMY', ['dummy'])).toBe('dummy')
    expect(nearest('abc', ['xyz', 'ab_long_name'])).toBeUndefined()
    expect(nearest('a', ['b', 'tun'])).toBeUndefined()
    expect(nearest('', ['a'])).toBeUndefined()
    expect(nearest('x', [])).toBeUndefined()
  })
})
