/**
 * "Did you mean": finds the known word that is most similar to a wrong word. Node.js does not export
 * the edit distance that it uses for its own messages.
 */
import { distance } from 'fastest-levenshtein'

const MOST_MISTAKES = 3
/**
 * More than this share of the letters of the longer word must be correct: short words allow fewer
 * mistakes.
 */
const LEAST_CORRECT = 0.4

/** Upper and lower case count as the same. `undefined`: no known word is similar enough. */
export function nearest(word: string, known: Iterable<string>): string | undefined {
  let best: string | undefined
  let fewest = MOST_MISTAKES + 1
  for (const one of known) {
    // The length alone excludes most of the thousands of names in a module index.
    if (Math.abs(one.length - word.length) >= fewest) continue
    const mistakes = distance(word.toLowerCase(), one.toLowerCase())
    const longer = Math.max(one.length, word.length)
    if (mistakes >= fewest || longer - mistakes <= longer * LEAST_CORRECT) continue
    best = one
    fewest = mistakes
  }
  return best
}

/** A sentence to add to a message; `''` if no known word is similar enough. */
export function didYouMean(word: string, known: Iterable<string>): string {
  const one = nearest(word, known)
  return one === undefined ? '' : ` Did you mean "${one}"?`
}
