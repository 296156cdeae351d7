/** A host may still be putting the last command's channel away for this long after it said that it is closed. */
const AFTERMATH_MS = 5000;

/** So many at a time, first come, first served; fewer when the host turns out to have fewer. */
export class Slots {
  #count: number;
  #free: number;
  #closed = -Infinity;
  readonly #waiting: (() => void)[] = [];

  constructor(count: number) {
    this.#count = count;
    this.#free = count;
  }

  /** A command's channel was closed. */
  closed(): void {
    this.#closed = performance.now();
  }

  /**
   * The host opened no channel for the holder of a slot (MaxSessions). There are no more from now on than are in use without
   * it. True when it is worth asking again: another one is open, or was a moment ago.
   */
  refused(): boolean {
    const others = this.#count - this.#free - 1;
    const fewer = Math.max(0, this.#count - Math.max(1, others));
    this.#count -= fewer;
    this.#free -= fewer;
    return others > 0 || performance.now() - this.#closed < AFTERMATH_MS;
  }

  /**
   * Resolves, when there is one, to the function that gives the slot back (to be called once).
   * @param until rejects when waiting has become pointless
   */
  async take(until: Promise<never>): Promise<() => void> {
    if (this.#free > 0) {
      this.#free -= 1;
      return () => this.#give();
    }
    let grant: () => void = () => undefined;
    const granted = new Promise<void>((resolve) => {
      grant = resolve;
    });
    this.#waiting.push(grant);
    try {
      await Promise.race([granted, until]);
    } catch (error) {
      const place = this.#waiting.indexOf(grant);
      if (place >= 0) this.#waiting.splice(place, 1);
      else this.#give();
      throw error;
    }
    return () => this.#give();
  }

  #give(): void {
    this.#free += 1;
    if (this.#free <= 0) return;
    const next = this.#waiting.shift();
    if (next === undefined) return;
    this.#free -= 1;
    next();
  }
}
