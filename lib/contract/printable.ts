/**
 * Text from outside (the name of a process, a path, a label) inside a message, which may end up on a
 * terminal: what would move the cursor, end the line or turn the direction of writing shows as `\u{1b}`.
 */
export function printable(text: string): string {
  return text.replace(
    /[\p{Cc}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu,
    (one) => `\\u{${one.codePointAt(0)!.toString(16)}}`,
  )
}
