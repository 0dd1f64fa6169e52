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

/** One object for each reading of the system: it does not ask again where the system did not answer. */
export class HelperFiles implements SystemFiles {
  #unanswered = 0

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

  async #read<T>(
    verb: string,
    paths: readonly string[],
    read: (reader: Reader) => T,
    missing: T,
  ): Promise<T[]> {
    const { signal, onNoAnswer } = this.options
    const found: T[] = []
    const onPart = (reader: Reader): void => {
      while (!reader.atEnd) found.push(read(reader))
    }
    while (found.length < paths.length) {
      if (this.#unanswered >= MOST_UNANSWERED) {
        found.push(...paths.slice(found.length).map(() => missing))
        break
      }
      const rest = paths.slice(found.length)
      const doing = rest.length === 1 ? `read ${rest[0]!}` : `read ${rest.length} files`
      try {
        unwrap(
          await this.questions.ask([verb, ...listStrings(rest)], doing, { signal, onPart }),
          doing,
        )
      } catch (error) {
        if (!isKmodError(error, 'ERR_KMOD_NO_ANSWER')) throw error
        const named = this.questions.noAnswer(questionAbout(paths.slice(found.length)))
        if (onNoAnswer === undefined) throw named
        this.#unanswered++
        onNoAnswer(named)
        found.push(missing)
        continue
      }
      if (found.length !== paths.length) throw malformedMessage('it has an answer for other files')
    }
    return found
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
