import { NO_PROGRESS, withGivenUp, withRemaining, withTargets } from '../../lib/plan/progress'
import type { StepReason, UnloadStep } from '../../lib/contract/types'

const step = (module: string, reason: StepReason): UnloadStep => ({
  action: 'remove',
  module,
  reason,
})

test('a plan settles the targets, and accepts those that it removes or finds absent', () => {
  const first = withTargets(NO_PROGRESS, {
    targets: ['loaded', 'gone', 'wrong'],
    absent: ['gone'],
    steps: [step('loaded', 'target'), step('below', 'dependency')],
  })
  expect(first).toMatchObject({ targets: ['loaded', 'gone', 'wrong'] })
  expect([...first.accepted]).toEqual(['gone', 'loaded'])
  // What one plan accepts, the next one does not take back.
  const second = withTargets(first, { targets: ['loaded'], absent: [], steps: [] })
  expect([...second.accepted]).toEqual(['gone', 'loaded'])
})

test('only dependencies remain to be found again', () => {
  const steps = [
    step('top', 'holder'),
    step('target', 'target'),
    step('below', 'dependency'),
    step('soft', 'soft-dependency'),
  ]
  expect([...withRemaining(NO_PROGRESS, { steps }).remaining]).toEqual([
    ['below', 'dependency'],
    ['soft', 'soft-dependency'],
  ])
})

test('each function returns a new value', () => {
  const given = withGivenUp(NO_PROGRESS, 'busy', 'in-use')
  expect([...given.givenUp]).toEqual([['busy', 'in-use']])
  expect([...withGivenUp(given, 'held', 'held').givenUp.keys()]).toEqual(['busy', 'held'])
  expect(given.givenUp.size).toBe(1)
  expect(NO_PROGRESS).toEqual({
    targets: null,
    accepted: new Set(),
    remaining: new Map(),
    givenUp: new Map(),
  })
})
