/** The code of README and docs/ does what the pages say: for users who copy it. */
import { Kmod } from 'node-kmod'
import { CapturedSystem } from '../support/captured-system'
import { PAGES, programs } from '../support/documents'
import { Editor } from '../support/editor'
import { fillLaptop } from '../support/laptop'
import { runCaptured } from '../support/snippets'

jest.setTimeout(60_000)

const SNIPPETS = programs(PAGES)

test('every snippet type-checks', () => {
  expect(SNIPPETS.length).toBeGreaterThan(20)
  const editor = new Editor(
    Object.fromEntries(SNIPPETS.map(({ code }, i) => [`snippet-${i}.mts`, code])),
  )
  const problems = SNIPPETS.map(({ name }, i) => [name, ...editor.problems(`snippet-${i}.mts`)])
  expect(problems.filter(([, ...found]) => found.length > 0)).toEqual([])
})

describe('on the captured system of a laptop', () => {
  const methods = Object.getOwnPropertyNames(Kmod.prototype).filter(
    (name) => !['constructor', 'close'].includes(name),
  )
  let laptop: CapturedSystem
  beforeAll(() => {
    laptop = fillLaptop(new CapturedSystem())
  })
  afterAll(() => laptop.remove())

  const here = SNIPPETS.filter(({ runs }) => runs.where === 'captured')
  test.each(here.map((snippet) => [snippet.name, snippet] as const))('%s', async (_, snippet) => {
    const { code, stdout, stderr } = await runCaptured(snippet, laptop.root, methods)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    if (snippet.output !== null) expect(stdout).toBe(snippet.output)
  })
})
