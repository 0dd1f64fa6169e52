import { makePlan } from '../../lib/plan/plan'
import { planOptions } from '../../lib/plan/options'
import { limitedTo, NO_PROGRESS, withGivenUp, withoutGivenUp } from '../../lib/plan/progress'
import { SimulatedKernel } from '../../lib/testing/simulated-kernel'

test('a plan settles the targets, accepts those that are valid, and remembers the dependencies', async () => {
  const kernel = new SimulatedKernel().addToIndex({ name: 'gone' })
  kernel
    .add('below')
    .add('busy', { references: 1 })
    .add('loaded', { uses: ['below', 'busy'] })
  const names = ['loaded', 'gone', 'wrong']
  const { progress } = await makePlan(kernel, names, planOptions({}))
  expect(progress.targets).toEqual(names)
  expect([...progress.accepted]).toEqual(['loaded', 'gone'])
  expect(Object.fromEntries(progress.dependencies)).toEqual({
    below: 'dependency',
    busy: 'dependency',
  })
  // A target that one plan accepted stays accepted in the next one.
  kernel.modules.delete('loaded')
  const second = await makePlan(kernel, names, planOptions({}), progress)
  expect(second.plan).toMatchObject({
    absent: expect.arrayContaining(['loaded', 'gone']) as unknown,
    steps: [{ module: 'below', reason: 'dependency' }],
    kept: [{ module: 'busy', reason: 'in-use' }],
  })
})

test('each function returns a new value', () => {
  const given = withGivenUp(NO_PROGRESS, 'busy', 'in-use')
  expect([...given.givenUp]).toEqual([['busy', 'in-use']])
  const both = withGivenUp(given, 'held', 'held')
  expect([...both.givenUp.keys()]).toEqual(['busy', 'held'])
  expect([...withoutGivenUp(both, ['busy']).givenUp.keys()]).toEqual(['held'])
  expect(limitedTo(NO_PROGRESS, { steps: [{ module: 'a' }], kept: [] }).only).toEqual(
    new Set(['a']),
  )
  expect(given.givenUp.size).toBe(1)
  expect(NO_PROGRESS).toEqual({
    targets: null,
    accepted: new Set(),
    dependencies: new Map(),
    order: [],
    givenUp: new Map(),
    only: null,
    own: new Set(),
  })
})
