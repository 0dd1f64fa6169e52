/** The text of /proc/PID/mountinfo. Source: show_mountinfo() in fs/proc_namespace.c. */

export interface MountLine {
  /** Such as `8:1`; major 0 is no device. */
  superblock: string
  path: string
  type: string
  source: string
  /** Of the superblock, still escaped: a `,` in a value is `\054`. */
  options: string
}

/**
 *     ID PARENT MAJ:MIN ROOT PATH OPTIONS [OPTIONAL ...] - TYPE SOURCE SUPERBLOCK-OPTIONS
 *
 * In the order of the text; a line that is cut off is left out.
 */
export function parseMountinfo(text: string): MountLine[] {
  return text.split('\n').flatMap(parseLine)
}

function parseLine(line: string): MountLine[] {
  const fields = line.split(' ')
  // No optional field is a lone dash, each is NAME[:VALUE].
  const dash = fields.indexOf('-', 6)
  const [superblock, path] = [fields[2], fields[4]]
  const [type, source, ...options] = dash < 0 ? [] : fields.slice(dash + 1)
  if (superblock === undefined || path === undefined) return []
  if (type === undefined || source === undefined) return []
  return [
    {
      superblock,
      path: unescapeOctal(path),
      type: unescapeOctal(type),
      source: unescapeOctal(source),
      options: options.join(' '),
    },
  ]
}

/** The kernel writes blank, tab, newline, backslash and some more as `\040`. */
export function unescapeOctal(text: string): string {
  if (!text.includes('\\')) return text
  return text.replace(/\\([0-3][0-7]{2})/g, (_, octal: string) =>
    String.fromCharCode(parseInt(octal, 8)),
  )
}
