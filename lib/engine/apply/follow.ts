import { CitadelError } from '../../manifest/index.js';
import { errorMessage } from '../../text/error-message.js';
import type { Clock } from './clock.js';
import { CONTROL, ATTACH } from './programs.js';
import { LineReader, parseProgress, type ProgressLine } from './progress.js';
import { waitedFor } from '../targets/errors.js';
import type { ProgramResult, Transport } from '../transport.js';

/** How long without a word before a change is asked about over a new connection: the old one may be cut off. */
const SILENCE_SEC = 3;
/** Until the host's word that it has given up is here. */
const LATE_SEC = 5;
/** How often, and for how long, a host that does not answer is tried again. */
const RETRY_SEC = [0.3, 0.5, 1, 2, 3] as const;

export interface FollowContext {
  readonly id: string;
  readonly nonce: string;
  /** True when the host will wait for a new connection. */
  readonly confirm: boolean;
  /** Seconds until the host has ended the transaction by itself, whatever happens. */
  readonly deadlineSec: number;
  /** Seconds during which a lost host is tried again. */
  readonly reconnectSec: number;
  readonly clock: Clock;
  readonly onProgress: (line: ProgressLine) => void;
}

/** What ended the watching: the host's last word, or the error of the last try to reach it. */
export type FollowEnd =
  | {
      readonly kind: 'told';
      readonly lines: readonly ProgressLine[];
      /** The answer that the log-in which was to confirm the change still waited for when the host gave up. */
      readonly unanswered?: string;
      /** What the log-in which was to confirm the change met, when the last one failed. */
      readonly met?: string;
    }
  | { readonly kind: 'lost'; readonly error: unknown };

/**
 * Runs a transaction to its end from the operator's side: starts it over `first`, confirms it over a connection of
 * its own when it asks for that, and after a lost connection asks a new one how it went. Neither a lost connection
 * nor the end of this process changes what happens on the host.
 */
export class Follower {
  private readonly lines: ProgressLine[] = [];
  private failure: unknown = undefined;
  private lastWordAt: number;
  private readonly confirming: Promise<void>[] = [];
  private done = false;
  private unanswered: string | undefined;
  private met: string | undefined;
  /** The host waits for no confirmation any more. */
  private readonly over = new AbortController();

  constructor(
    private readonly context: FollowContext,
    private readonly first: Transport,
    private readonly start: () => Promise<ProgramResult>,
  ) {
    this.lastWordAt = context.clock.now();
  }

  private readonly reader = this.newReader();
  /** Called with each piece of the first connection's output. */
  readonly onStdout = (chunk: Buffer): void => {
    this.reader.push(chunk);
  };

  /**
   * Every connection hears everything from the first line, so a line counts by its place and is taken once,
   * whichever connection brings it first.
   */
  private newReader(): LineReader {
    let index = 0;
    return new LineReader((text) => {
      index += 1;
      if (index === this.lines.length + 1 || text === 'gone') this.take(text);
    });
  }

  async run(): Promise<FollowEnd> {
    const started = this.start().then(
      () => (this.ended() ? 'ended' : 'cut'),
      (error: unknown) => {
        this.failure = error;
        return 'cut' as const;
      },
    );
    const how = await (this.context.confirm ? Promise.race([started, this.silence(started)]) : started);
    if (how !== 'ended' && !this.ended()) await this.reattach();
    this.done = true;
    this.over.abort();
    await Promise.all(this.confirming);
    const { lines, unanswered, met } = this;
    return this.ended()
      ? {
          kind: 'told',
          lines,
          ...(unanswered !== undefined && { unanswered }),
          ...(met !== undefined && { met }),
        }
      : { kind: 'lost', error: this.failure };
  }

  private ended(): boolean {
    const last = this.lines.at(-1)?.kind;
    return last === 'end' || last === 'gone' || last === 'unstaged';
  }

  private take(text: string): void {
    this.lastWordAt = this.context.clock.now();
    const line = parseProgress(text);
    this.lines.push(line);
    this.context.onProgress(line);
    if (line.kind === 'failure') this.over.abort();
    if (line.kind === 'confirm')
      this.confirming.push(this.confirm(this.confirming.length + 1, line.seconds + LATE_SEC));
  }

  /**
   * Resolves when the host has been silent for long and the change may have cut this connection off. Once it asks for a
   * confirmation it has got through with all that could.
   */
  private async silence(started: Promise<'ended' | 'cut'>): Promise<'ended' | 'cut'> {
    while (!this.done) {
      if (this.confirming.length > 0) return started;
      await this.context.clock.sleep(0.5);
      const switching = this.lines.some((line) => line.kind === 'step' && line.step === 'switch');
      if (switching && this.context.clock.now() - this.lastWordAt > SILENCE_SEC * 1000) return 'cut';
    }
    return 'cut';
  }

  /**
   * @param round the host may ask again later; it does not take the answer of before for another one
   * @param seconds after which it has given up
   */
  private async confirm(round: number, seconds: number): Promise<void> {
    const signal = AbortSignal.any([this.over.signal, AbortSignal.timeout(seconds * 1000)]);
    const nonce = round === 1 ? this.context.nonce : `${this.context.nonce}-${String(round)}`;
    const input = Buffer.from(`confirm\n${this.context.id}\n${nonce}\n`);
    const wanted = (): boolean => !signal.aborted && round >= this.confirming.length;
    for (let attempt = 0; wanted() && attempt < 40; attempt += 1) {
      try {
        const fresh = await this.first.reconnect(signal);
        try {
          const { exitCode } = await fresh.run(CONTROL, input, { deadlineSec: 10 });
          if (exitCode === 0) return;
        } finally {
          await fresh.close();
        }
      } catch (error) {
        // That this fails is what the dead-man's switch is for; the host's own words say how it ended.
        this.unanswered = waitedFor(error);
        if (!signal.aborted) this.met = metBy(error);
      }
      if (wanted()) await this.context.clock.sleep(RETRY_SEC[Math.min(attempt, RETRY_SEC.length - 1)] ?? 3);
    }
  }

  /** Asks new connections until one hears the end, or none could be had for long. */
  private async reattach(): Promise<void> {
    const { clock, reconnectSec, deadlineSec } = this.context;
    const pause = (attempt: number): Promise<void> =>
      clock.sleep(RETRY_SEC[Math.min(attempt, RETRY_SEC.length - 1)] ?? 3);
    // By then the host has ended it, whatever happened: one that answers and never says so is as good as lost.
    const end = clock.now() + (deadlineSec + reconnectSec) * 1000;
    let reachedAt = clock.now();
    const goOn = (): boolean =>
      !this.ended() && clock.now() < end && clock.now() - reachedAt < reconnectSec * 1000;
    for (let attempt = 0; goOn(); attempt += 1) {
      try {
        // A log-in may wait for a person, and longer than this.
        const leftMs = reconnectSec * 1000 - (clock.now() - reachedAt);
        const fresh = await this.first.reconnect(AbortSignal.timeout(Math.max(0, Math.ceil(leftMs))));
        try {
          reachedAt = clock.now();
          await this.attach(fresh, deadlineSec);
          if (this.lines.at(-1)?.kind === 'gone' && attempt < 4) {
            // The upload may have been complete and its start under way: "gone" counts when it is said again.
            this.lines.pop();
            await clock.sleep(1);
          } else if (!this.ended()) {
            await pause(attempt);
          }
        } finally {
          await fresh.close();
        }
      } catch (error) {
        this.failure = error;
        await pause(attempt);
      }
    }
  }

  private async attach(transport: Transport, deadlineSec: number): Promise<void> {
    const reader = this.newReader();
    await transport.read(ATTACH, Buffer.from(`${this.context.id}\n`), {
      deadlineSec,
      onStdout: (chunk) => {
        reader.push(chunk);
      },
    });
  }
}

/** What went wrong, without what to do about it. */
function metBy(error: unknown): string {
  return error instanceof CitadelError ? (error.problems[0]?.got ?? error.message) : errorMessage(error);
}
