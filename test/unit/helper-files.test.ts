/** How calls for files become questions to the helper. */
import { KmodError } from '../../lib/contract/errors'
import { HelperFiles } from '../../lib/live/helper/files'
import type { AskOptions, Questions } from '../../lib/live/helper/questions'
import { Reader } from '../../lib/live/helper/wire'

/** Answers each question with the paths themselves, after `answer` was called for it. */
class EchoingHelper {
  readonly asked: string[][] = []
  /** A path that is never answered. */
  stuck: string | undefined
  #answer: (() => void) | undefined

  readonly questions = {
    ask: (strings: string[], _doing: string, { onPart }: AskOptions) => {
      this.asked.push(strings)
      return new Promise((resolve, reject) => {
        this.#answer = () => {
          const [verb, ...groups] = strings
          expect(verb).toBe('read')
          while (groups.length > 0) {
            const [kind, count] = groups.splice(0, 2)
            for (const path of groups.splice(0, Number(count))) {
              if (path === this.stuck) {
                reject(noAnswer('ask'))
                return
              }
              const texts = kind === 'names' ? ['1', `name in ${path}`] : ['1', `${kind} ${path}`]
              onPart!(new Reader(texts))
            }
          }
          resolve(new Reader([]))
        }
      })
    },
    noAnswer,
  } as unknown as Questions

  /** Lets the question that is on its way be answered, and the calls ask for more. */
  async answer(): Promise<void> {
    await turn()
    this.#answer!()
    this.#answer = undefined
    await turn()
  }
}

const turn = async (): Promise<void> => {
  for (let i = 0; i < 3; i++) await new Promise(setImmediate)
}

function noAnswer(doing: string): KmodError {
  return new KmodError('ERR_KMOD_NO_ANSWER', `Cannot ${doing}.`)
}

test('what is asked for in one turn is one question, and so is what is asked for meanwhile', async () => {
  const helper = new EchoingHelper()
  const files = new HelperFiles(helper.questions)
  const first = [files.readTexts(['/a', '/b']), files.readLinks(['/c']), files.readTexts([])]
  await turn()
  const second = [files.listNames(['/d']), files.readTexts(['/e'])]
  await turn()
  expect(helper.asked).toEqual([['read', 'texts', '2', '/a', '/b', 'links', '1', '/c']])
  await helper.answer()
  expect(await Promise.all(first)).toEqual([['texts /a', 'texts /b'], ['links /c'], []])
  expect(helper.asked[1]).toEqual(['read', 'names', '1', '/d', 'texts', '1', '/e'])
  await helper.answer()
  expect(await Promise.all(second)).toEqual([[['name in /d']], ['texts /e']])
  expect(helper.asked).toHaveLength(2)
})

test('a file that does not answer is missing, and the files after it are asked for again', async () => {
  const helper = new EchoingHelper()
  helper.stuck = '/stuck'
  const missing: string[] = []
  const files = new HelperFiles(helper.questions, {
    onNoAnswer: ({ message }) => missing.push(message),
  })
  const texts = files.readTexts(['/a', '/stuck', '/b'])
  const links = files.readLinks(['/c'])
  await helper.answer()
  await helper.answer()
  expect(helper.asked[1]).toEqual(['read', 'texts', '1', '/b', 'links', '1', '/c'])
  expect(await texts).toEqual(['texts /a', null, 'texts /b'])
  expect(await links).toEqual(['links /c'])
  expect(missing).toEqual(['Cannot read /stuck or one of 2 other files.'])
})

test('after two files that do not answer, nothing more is asked', async () => {
  const helper = new EchoingHelper()
  helper.stuck = '/stuck'
  const files = new HelperFiles(helper.questions, { onNoAnswer: () => undefined })
  const texts = files.readTexts(['/stuck', '/stuck', '/a'])
  await helper.answer()
  await helper.answer()
  expect(await texts).toEqual([null, null, null])
  expect(await files.listNames(['/b'])).toEqual([[]])
  expect(helper.asked).toHaveLength(2)
})

test('without onNoAnswer, every call that has no answer rejects, and later calls ask again', async () => {
  const helper = new EchoingHelper()
  helper.stuck = '/proc/1/stuck'
  const files = new HelperFiles(helper.questions)
  const calls = [files.readTexts(['/a']), files.readTexts([helper.stuck]), files.readLinks(['/b'])]
  const settled = Promise.allSettled(calls)
  await helper.answer()
  const rejected = {
    status: 'rejected',
    reason: expect.objectContaining({ message: 'Cannot read /proc/1/stuck.' }) as Error,
  }
  expect(await settled).toEqual([{ status: 'fulfilled', value: ['texts /a'] }, rejected, rejected])
  const later = files.readTexts(['/c'])
  await helper.answer()
  expect(await later).toEqual(['texts /c'])
})
