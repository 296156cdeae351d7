/** So many at a time, first come, first served. */
export class Slots {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor(count: number) {
    this.#free = count;
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
    const next = this.#waiting.shift();
    if (next === undefined) this.#free += 1;
    else next();
  }
}
