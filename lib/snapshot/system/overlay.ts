/** The folders that an overlay file system lies on. Source: ovl_show_options() in fs/overlayfs. */
import { unescapeOctal } from './mountinfo'

/** `lowerdir+` and `datadir+` name one folder each; the others have colons between several. */
const FOLDERS = /^(lowerdir|upperdir|lowerdir\+|datadir\+)=(.*)$/s

/** As they are written: what a relative one began at is not known. */
export function overlayFolders(options: string): string[] {
  return options.split(',').flatMap((option) => {
    const [, key, value] = FOLDERS.exec(option) ?? []
    if (key === undefined || value === undefined) return []
    const text = unescapeOctal(value)
    // Of an escaped colon only the colon belongs to the path.
    const folders = key === 'lowerdir' ? text.split(/(?<!\\):/) : [text]
    // Two colons stand before those with data alone.
    return folders
      .map((folder) => folder.replace(/\\([:\\])/g, '$1'))
      .filter((folder) => folder !== '')
  })
}
