/** The newest runtime of each kind. All of them, on each kernel, and a watch: test/vm/soak/runtimes. */
import { NEWEST_RUNTIMES } from '../../../support/runtimes'
import { hangIn, walkIn } from '../../runtimes'

describe.each(NEWEST_RUNTIMES)('%s', (runtime) => {
  test('the walk', () => walkIn(runtime))
  test('an exit function that hangs', () => hangIn(runtime))
})
