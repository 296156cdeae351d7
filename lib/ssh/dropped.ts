import { setTimeout as sleep } from 'node:timers/promises';
import type { SshError } from './errors.js';

const FIRST_PAUSE_MS = 150;
const LAST_PAUSE_MS = 2000;
/** A server that hangs up without a word may have a lasting reason; one that says it is busy has not. */
const MOST_SILENT = 4;

/** Waits before a log-in is tried again that the host has dropped before it began, each time longer. */
export class DroppedAgain {
  #pauseMs = FIRST_PAUSE_MS;
  #silent = 0;
  readonly #end: number;

  constructor(deadlineSec: number) {
    this.#end = performance.now() + deadlineSec * 1000;
  }

  /** Resolves when it is worth trying again. @throws the error itself where it is not */
  async wait(error: SshError): Promise<void> {
    if (error.dropped === 'silent') this.#silent += 1;
    // Those that were dropped together shall not come back together.
    const pauseMs = this.#pauseMs * (0.5 + Math.random());
    const late = performance.now() + pauseMs >= this.#end;
    if (error.dropped === undefined || this.#silent > MOST_SILENT || late) throw error;
    this.#pauseMs = Math.min(2 * this.#pauseMs, LAST_PAUSE_MS);
    await sleep(pauseMs);
  }
}
