/** The last bytes of a stream, as text: enough of a tool's complaints to show, however long it talked. */
export class Tail {
  readonly #limit: number;
  readonly #chunks: Buffer[] = [];
  #length = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  push(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#length += chunk.length;
    for (let first = this.#chunks[0]; first !== undefined; first = this.#chunks[0]) {
      if (this.#length - first.length < this.#limit) return;
      this.#length -= first.length;
      this.#chunks.shift();
    }
  }

  /** UTF-8; a character cut in two at the start is shown as a replacement character. */
  text(): string {
    const all = Buffer.concat(this.#chunks);
    return all.subarray(Math.max(0, all.length - this.#limit)).toString('utf8');
  }
}
