import { isKmodError, KmodError } from '../../lib/contract/errors'

test('an error has its code, its message and the details of the code', () => {
  const error = new KmodError('ERR_KMOD_HELD', 'Module a is used by b.', {
    module: 'a',
    holders: ['b'],
    errno: -11,
    errnoCode: 'EAGAIN',
    syscall: 'delete_module',
  })
  expect(error).toBeInstanceOf(Error)
  expect(error).toMatchObject({
    name: 'KmodError',
    code: 'ERR_KMOD_HELD',
    message: 'Module a is used by b.',
    module: 'a',
    holders: ['b'],
    errno: -11,
    errnoCode: 'EAGAIN',
    syscall: 'delete_module',
  })
  expect(error.stack).toContain('errors.test')
  expect('plan' in error).toBe(false)
})

test('the error of an aborted call is named AbortError, as in Node', () => {
  expect(new KmodError('ERR_KMOD_ABORTED', 'aborted').name).toBe('AbortError')
})

test('toJSON returns everything except the stack, causes included', () => {
  const cause = new KmodError('ERR_KMOD_IN_USE', 'in use', {
    references: 2,
    cause: Object.assign(new Error('deep'), { extra: 1 }),
  })
  const error = new KmodError('ERR_KMOD_TIMEOUT', 'too long', { module: 'a', cause })
  expect(JSON.parse(JSON.stringify(error))).toEqual({
    name: 'KmodError',
    code: 'ERR_KMOD_TIMEOUT',
    message: 'too long',
    module: 'a',
    cause: {
      name: 'KmodError',
      code: 'ERR_KMOD_IN_USE',
      message: 'in use',
      references: 2,
      cause: { name: 'Error', message: 'deep', extra: 1 },
    },
  })
})

test('isKmodError compares codes, so it works with two copies of the package', () => {
  const foreign = Object.assign(new Error('x'), { code: 'ERR_KMOD_HELD', holders: ['b'] })
  expect(isKmodError(foreign)).toBe(true)
  expect(isKmodError(foreign, 'ERR_KMOD_HELD')).toBe(true)
  expect(isKmodError(foreign, 'ERR_KMOD_IN_USE', 'ERR_KMOD_HELD')).toBe(true)
  expect(isKmodError(foreign, 'ERR_KMOD_IN_USE')).toBe(false)
  if (isKmodError(foreign, 'ERR_KMOD_HELD')) expect(foreign.holders.length).toBe(1)
})

test.each([
  undefined,
  null,
  'ERR_KMOD_HELD',
  5,
  {},
  new Error('x'),
  { code: 5 },
  { code: 'ENOENT' },
])('isKmodError is false for %p', (value) => {
  expect(isKmodError(value)).toBe(false)
})
