/**
 * The files of this machine, read by the helper: a file of the kernel can block its reader for ever, and
 * Node could not end with such a thread. native/helper/files.cc is the other end.
 */
import { isKmodError, type KmodError } from '../../contract/errors'
import { isFailure, unwrap, type NativeFailure } from '../../kernel/failure'
import type { FileStatus, SystemFiles } from '../../kernel/system-files'
import type { Questions } from './questions'
import { listStrings, malformedMessage, type Reader } from './wire'

/** After this many files that did not answer, a reading asks for no more files. */
const MOST_UNANSWERED = 2

export interface FilesOptions {
  signal?: AbortSignal | undefined
  /**
   * Called for a file that does not answer; then its answer is that of a missing file. Without it, the
   * call rejects with the error.
   */
  onNoAnswer?: (error: KmodError) => void
}

/** The kinds of answers, by the word for them in a request. */
type Kind = 'texts' | 'bytes' | 'links' | 'names' | 'statuses'

/** What one call has asked for. It settles when it has an answer for each path. */
class Wish<T> {
  readonly settled: Promise<T[]>
  reject!: (error: unknown) => void
  #resolve!: () => void
  readonly #found: T[] = []

  constructor(
    readonly kind: Kind,
    private readonly paths: readonly string[],
    private readonly read: (reader: Reader) => T,
    private readonly missing: T,
  ) {
    this.settled = new Promise((resolve, reject) => {
      this.#resolve = (): void => resolve(this.#found)
      this.reject = reject
    })
  }

  /** The paths without an answer. */
  get left(): readonly string[] {
    return this.paths.slice(this.#found.length)
  }

  get isSettled(): boolean {
    return this.#found.length === this.paths.length
  }

  /** Reads the answer for the next path. */
  receive(reader: Reader): void {
    this.#add(this.read(reader))
  }

  /** The next path gets the answer of a file that does not exist. */
  skip(): void {
    this.#add(this.missing)
  }

  #add(one: T): void {
    this.#found.push(one)
    if (this.isSettled) this.#resolve()
  }
}

/**
 * One object for each reading of the system: it does not ask again where the system did not answer.
 *
 * Many calls ask for a few files each. One question is on its way at a time, and what is asked for
 * meanwhile goes into the next one: a question costs more than the files in it.
 */
export class HelperFiles implements SystemFiles {
  #unanswered = 0
  #waiting: Wish<unknown>[] = []
  #isAsking = false

  constructor(
    private readonly questions: Questions,
    private readonly options: FilesOptions = {},
  ) {}

  readTexts(paths: readonly string[]): Promise<(string | null)[]> {
    return this.#read('texts', paths, (reader) => reader.optional(), null)
  }

  readBytes(paths: readonly string[]): Promise<(Buffer | null)[]> {
    const read = (reader: Reader): Buffer | null => {
      // Each byte comes as the character with its number.
      const text = reader.optional()
      return text === null ? null : Buffer.from(text, 'latin1')
    }
    return this.#read('bytes', paths, read, null)
  }

  readLinks(paths: readonly string[]): Promise<(string | null)[]> {
    return this.#read('links', paths, (reader) => reader.optional(), null)
  }

  listNames(folders: readonly string[]): Promise<string[][]> {
    return this.#read('names', folders, (reader) => reader.list(), [])
  }

  readStatuses(paths: readonly string[]): Promise<(FileStatus | null)[]> {
    return this.#read('statuses', paths, readStatus, null)
  }

  /** A table in the form of /proc/modules. */
  async readTable(path: string): Promise<string | NativeFailure> {
    const { signal } = this.options
    const answer = await this.questions.ask(['table', path], `read ${path}`, { signal })
    return isFailure(answer) ? answer : answer.text()
  }

  #read<T>(
    kind: Kind,
    paths: readonly string[],
    read: (reader: Reader) => T,
    missing: T,
  ): Promise<T[]> {
    if (paths.length === 0) return Promise.resolve([])
    if (this.#unanswered >= MOST_UNANSWERED) return Promise.resolve(paths.map(() => missing))
    const wish = new Wish(kind, paths, read, missing)
    this.#waiting.push(wish)
    if (!this.#isAsking) {
      this.#isAsking = true
      // After everything that is asked for in this turn of the event loop.
      setImmediate(() => void this.#askAll())
    }
    return wish.settled
  }

  async #askAll(): Promise<void> {
    while (this.#waiting.length > 0) {
      const wishes = this.#waiting
      this.#waiting = []
      try {
        const left = await this.#ask(wishes)
        this.#waiting.unshift(...left)
      } catch (error) {
        for (const wish of wishes) wish.reject(error)
      }
      // The calls that have their answers now ask for more.
      await new Promise(setImmediate)
    }
    this.#isAsking = false
  }

  /** Returns the wishes that must be asked for again, because a file did not answer. */
  async #ask(wishes: readonly Wish<unknown>[]): Promise<readonly Wish<unknown>[]> {
    const { signal, onNoAnswer } = this.options
    let open = wishes
    const handle = (answer: (wish: Wish<unknown>) => void): void => {
      const [wish] = open
      if (wish === undefined) throw malformedMessage('it has an answer for other files')
      answer(wish)
      if (wish.isSettled) open = open.slice(1)
    }
    const receive = (reader: Reader): void => {
      while (!reader.atEnd) handle((wish) => wish.receive(reader))
    }
    const paths = wishes.flatMap(({ left }) => left)
    const doing = paths.length === 1 ? `read ${paths[0]!}` : `read ${paths.length} files`
    try {
      const groups = wishes.flatMap(({ kind, left }) => [kind, ...listStrings(left)])
      const options = { signal, onPart: receive }
      receive(unwrap(await this.questions.ask(['read', ...groups], doing, options), doing))
      if (open.length > 0) throw malformedMessage('files are missing in it')
    } catch (error) {
      if (!isKmodError(error, 'ERR_KMOD_NO_ANSWER')) throw error
      const named = this.questions.noAnswer(questionAbout(open.flatMap(({ left }) => left)))
      if (onNoAnswer === undefined) throw named
      onNoAnswer(named)
      this.#unanswered++
      handle((wish) => wish.skip())
      while (open.length > 0 && this.#unanswered >= MOST_UNANSWERED) handle((wish) => wish.skip())
    }
    return open
  }
}

/**
 * The helper hangs with the first of these paths, if that is below /proc: the answers before such a path
 * are sent before it is read (CanBlock() in native/helper/files.cc). Other answers are sent in groups.
 */
function questionAbout([path, ...others]: readonly string[]): string {
  if (others.length === 0 || path!.startsWith('/proc/')) return `read ${path}`
  return `read ${path} or one of ${others.length} other files`
}

function readStatus(reader: Reader): FileStatus | null {
  if (!reader.flag()) return null
  const kind = reader.text()
  if (kind !== 'file' && kind !== 'folder' && kind !== 'other') {
    throw malformedMessage(`"${kind}" is not a kind of file`)
  }
  return { kind, inode: reader.text() }
}
