/** Many small files at once: each call costs a turn of a thread pool, however long its list is. */
export interface SystemFiles {
  /** The targets of symbolic links, as they are written; `null`: no link, or not readable. */
  readLinks(paths: readonly string[]): Promise<(string | null)[]>
  readFiles(paths: readonly string[]): Promise<(string | null)[]>
  /** The names in folders; none where one is not there. */
  list(folders: readonly string[]): Promise<string[][]>
}
