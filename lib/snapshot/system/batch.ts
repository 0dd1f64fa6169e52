/**
 * Lets code ask for one thing at a time where asking for many at once is as cheap: what is asked for
 * until everything else waits goes out as one call, and each thing is asked for once. While a call is
 * on its way the next one gathers, so that whoever walks down a tree beside others walks in step.
 */
export class Batch<T> {
  readonly #answers = new Map<string, Promise<T>>()
  #gathering: { key: string; resolve: (answer: T) => void; reject: (reason: unknown) => void }[] =
    []
  #busy = false

  constructor(private readonly ask: (keys: readonly string[]) => Promise<readonly T[]>) {}

  get(key: string): Promise<T> {
    const known = this.#answers.get(key)
    if (known !== undefined) return known
    const answer = new Promise<T>((resolve, reject) => {
      this.#gathering.push({ key, resolve, reject })
    })
    this.#answers.set(key, answer)
    if (!this.#busy) this.#schedule()
    return answer
  }

  #schedule(): void {
    this.#busy = true
    // A tick that begins in a microtask comes after all other microtasks.
    void Promise.resolve().then(() => process.nextTick(() => void this.#send()))
  }

  async #send(): Promise<void> {
    const sent = this.#gathering
    this.#gathering = []
    try {
      const answers = await this.ask(sent.map(({ key }) => key))
      sent.forEach(({ resolve }, i) => resolve(answers[i]!))
    } catch (error) {
      for (const { reject } of sent) reject(error)
    }
    this.#busy = false
    if (this.#gathering.length > 0) this.#schedule()
  }
}
