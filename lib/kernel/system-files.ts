/**
 * Reads small files of one system: the running one (lib/live/host.ts) or a captured one
 * (lib/captured/captured-files.ts).
 *
 * Every method takes a list, because one call is one task of a thread pool, however long its list is.
 * A path that does not exist or is not readable has an answer without a value; it does not reject the
 * call. Each answer has the same index as its question.
 */
export interface SystemFiles {
  /** The contents of regular files as UTF-8 text; `null`: no such file, or not readable. */
  readTexts(paths: readonly string[]): Promise<(string | null)[]>
  /** The same as bytes, for a file that is not text, such as /proc/config.gz. */
  readBytes(paths: readonly string[]): Promise<(Buffer | null)[]>
  /**
   * The targets of symbolic links, exactly as the links hold them; `null`: not a link, or not
   * readable.
   */
  readLinks(paths: readonly string[]): Promise<(string | null)[]>
  /** The names in folders; empty where there is no such folder. */
  listNames(folders: readonly string[]): Promise<string[][]>
  /** What the paths are, with symbolic links followed; `null`: there is no such file. */
  readStatuses(paths: readonly string[]): Promise<(FileStatus | null)[]>
}

export interface FileStatus {
  /** `other`: a device, a FIFO or a socket. */
  kind: 'file' | 'folder' | 'other'
  inode: string
}
