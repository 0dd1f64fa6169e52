/**
 * Text for a message that may be printed on a terminal: escapes control characters, line ends and
 * changes of the writing direction, as in `\u{1b}`. Other users can choose names of processes, paths
 * and labels.
 */
export function printable(text: string): string {
  return text.replace(
    /[\p{Cc}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu,
    (one) => `\\u{${one.codePointAt(0)!.toString(16)}}`,
  )
}
