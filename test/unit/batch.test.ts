import { Batch } from '../../lib/snapshot/system/batch'

/** Answers each key with itself in capitals. */
function capitals(): { batch: Batch<string>; asked: string[][] } {
  const asked: string[][] = []
  const batch = new Batch(async (keys) => {
    asked.push([...keys])
    await new Promise((resolve) => setImmediate(resolve))
    return keys.map((key) => key.toUpperCase())
  })
  return { batch, asked }
}

test('what is asked for together goes out as one call, each thing once', async () => {
  const { batch, asked } = capitals()
  const later = Promise.resolve().then(() => batch.get('c'))
  expect(await Promise.all([batch.get('a'), batch.get('b'), batch.get('a'), later])).toEqual([
    'A',
    'B',
    'A',
    'C',
  ])
  expect(await batch.get('b')).toBe('B')
  expect(asked).toEqual([['a', 'b', 'c']])
})

test('walks down several trees go in step', async () => {
  const { batch, asked } = capitals()
  const walk = async (name: string): Promise<void> => {
    for (const depth of ['1', '2', '3']) await batch.get(name + depth)
  }
  await Promise.all([walk('a'), walk('b'), walk('c')])
  expect(asked).toEqual([
    ['a1', 'b1', 'c1'],
    ['a2', 'b2', 'c2'],
    ['a3', 'b3', 'c3'],
  ])
})

test('a call that fails fails for all who asked, and the next one is made', async () => {
  let fails = true
  const batch = new Batch((keys) =>
    fails ? Promise.reject(new Error('no')) : Promise.resolve(keys),
  )
  const results = await Promise.allSettled([batch.get('a'), batch.get('b')])
  expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  fails = false
  expect(await batch.get('c')).toBe('c')
})
