import type { ProgramResult, ReadProgram, RunOptions, Transport, WriteProgram } from '../engine/transport.js';

/** A transport whose errors say where the inventory says what they are about. */
export class PlacedTransport implements Transport {
  /** @param place returns what is thrown in an error's place */
  constructor(
    private readonly inner: Transport,
    private readonly place: (error: unknown) => unknown,
  ) {}

  get kind(): Transport['kind'] {
    return this.inner.kind;
  }

  get description(): string {
    return this.inner.description;
  }

  get hostKeys(): Transport['hostKeys'] {
    return this.inner.hostKeys;
  }

  get reached(): Transport['reached'] {
    return this.inner.reached;
  }

  read(program: ReadProgram, input: Buffer, options: RunOptions): Promise<ProgramResult> {
    return this.#told(this.inner.read(program, input, options));
  }

  run(
    program: WriteProgram,
    input: Buffer | AsyncIterable<Uint8Array>,
    options: RunOptions,
  ): Promise<ProgramResult> {
    return this.#told(this.inner.run(program, input, options));
  }

  async reconnect(signal?: AbortSignal): Promise<Transport> {
    return new PlacedTransport(await this.#told(this.inner.reconnect(signal)), this.place);
  }

  close(): Promise<void> {
    return this.inner.close();
  }

  async #told<T>(work: Promise<T>): Promise<T> {
    try {
      return await work;
    } catch (error) {
      throw this.place(error);
    }
  }
}
