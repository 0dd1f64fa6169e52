/** The code of README and docs/ that changes the kernel. */
import { programs } from '../../../support/documents'
import { runOnThisKernel } from '../../../support/snippets'
import { afterThisTest, attempt } from '../../support'

const SNIPPETS = programs().filter(({ runs }) => runs.where === 'kernel')

test('there are such pieces of code', () => expect(SNIPPETS.length).toBeGreaterThan(10))

test.each(SNIPPETS.map((snippet) => [snippet.name, snippet] as const))('%s', async (_, snippet) => {
  // What the comment sets up, and a failure leaves behind.
  afterThisTest(() => attempt('swapoff', ['-a']))
  const { code, stdout, stderr } = await runOnThisKernel(snippet)
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  if (snippet.output !== null) expect(stdout).toBe(snippet.output)
})
