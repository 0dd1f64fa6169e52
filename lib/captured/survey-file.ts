/**
 * The survey that `capture` writes into a captured system: what no file of /proc or /sys shows, such as
 * the interfaces of all network namespaces.
 */
import { KmodError } from '../contract/errors'
import type { FolderProcess } from '../kernel/kernel'
import type { SystemFiles } from '../kernel/system-files'
import { emptySurvey, type RawSurvey } from '../snapshot/system/raw-survey'

/** No system has a file of this name in its root. */
export const SURVEY_FILE = '/node-kmod-survey.json'

/** The form of the file. A version that writes another form writes another number. */
const FORM = 1

/**
 * Two surveys, because one with users has more of what could not be read, and the guard does not read
 * that.
 */
export interface StoredSurveys {
  plain: object
  /** `null`: the system was captured without users. */
  withUsers: object | null
  /** The processes that use files on mounts; empty without users. */
  processes: readonly FolderProcess[]
}

export function surveyText(surveys: StoredSurveys): string {
  return `${JSON.stringify({ form: FORM, ...surveys })}\n`
}

/** The survey in the file; `null`: there is no such file, because something else made the copy. */
export async function storedSurvey(files: SystemFiles, users: boolean): Promise<RawSurvey | null> {
  const [text] = await files.readTexts([SURVEY_FILE])
  if (text == null) return null
  const { plain, withUsers } = parse(text)
  if (users && withUsers !== null) return check(withUsers, true)
  const survey = check(plain, users)
  if (users) {
    survey.allProcessesRead = false
    survey.unreadable.push('what only uses modules: the system was captured without users')
  }
  return survey
}

/** The processes in the file; empty if there is no such file. */
export async function storedProcesses(files: SystemFiles): Promise<readonly FolderProcess[]> {
  const [text] = await files.readTexts([SURVEY_FILE])
  return text == null ? [] : parse(text).processes
}

/** Throws a SyntaxError or TypeError for a text that capture() does not write. */
function parse(text: string): StoredSurveys {
  const {
    form,
    plain,
    withUsers = null,
    processes = [],
  } = JSON.parse(text) as Record<string, unknown>
  if (typeof form === 'number' && form > FORM) {
    throw new KmodError(
      'ERR_KMOD_FORMAT',
      `${SURVEY_FILE} of the captured system has form ${form}, and this version of node-kmod reads ` +
        `form ${FORM}: a newer version captured the system. Update node-kmod: npm install node-kmod@latest`,
    )
  }
  if (form !== FORM || !isObject(plain) || !(withUsers === null || isObject(withUsers))) {
    throw new TypeError('a survey is missing')
  }
  if (!Array.isArray(processes) || !processes.every(isProcess)) {
    throw new TypeError('processes is not what a capture has')
  }
  return { plain, withUsers, processes }
}

function isProcess(value: unknown): value is FolderProcess {
  if (!isObject(value)) return false
  const { pid, comm, path } = value as Partial<FolderProcess>
  return typeof pid === 'number' && typeof comm === 'string' && typeof path === 'string'
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}

/** The survey, in which each list is a list; else throws a TypeError. What another version does not write is empty. */
function check(stored: object, users: boolean): RawSurvey {
  const none = emptySurvey(users)
  const survey = { ...none, ...stored, users }
  for (const [name, empty] of Object.entries(none)) {
    const value: unknown = survey[name as keyof RawSurvey]
    const isSame = Array.isArray(empty) ? Array.isArray(value) : typeof value === typeof empty
    if (!isSame) throw new TypeError(`${name} is not what a survey has`)
  }
  return survey
}
