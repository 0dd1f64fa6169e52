/** Every runtime that the package supports. */
import { RUNTIME_NAMES } from '../../support/runtimes'
import { hangIn, walkIn, watchIn } from '../runtimes'
import { describeWithTestModules } from '../support'

describe.each(RUNTIME_NAMES)('%s', (runtime) => {
  test('the walk', () => walkIn(runtime))
  test('a watch', () => watchIn(runtime))
  describeWithTestModules('with the test modules', () => {
    test('an exit function that hangs', () => hangIn(runtime))
  })
})
