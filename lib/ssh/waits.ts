import { type Limit, withReject } from './limit.js';

/** What a connection attempt waits for that is not the host: a person at an agent or a terminal. Its time is not the host's. */
export interface Waits {
  /** Aborted when the answer is no longer needed. */
  readonly signal: AbortSignal;
  /** What is being waited for now. */
  readonly what: string | undefined;
  /** As {@link what}, and `an answer` where a person is asked on the terminal. */
  readonly asked: string | undefined;
  /**
   * Stops the clock of the deadline. Returns what is to be called when the answer is there.
   * @param what in words; absent where the person is asked on the terminal
   */
  begin(what?: string): () => void;
}

/** Longer than most hosts wait for a log-in (LoginGraceTime is 120 s by default). */
const PERSON_SEC = 150;
/** After this a person may not know what they are waited for. */
const NOTICE_MS = 1500;
/** What is waited for where a person is asked. */
const ANSWER = 'an answer';

export interface WaitOptions {
  readonly limit: Limit;
  /** Told of a wait that has lasted a moment. */
  readonly onWait?: ((what: string) => void) | undefined;
  /** The error of a wait that has no end. */
  readonly fail: (what: string, seconds: number) => Error;
}

export function startWaits(options: WaitOptions): Waits & { readonly expired: Promise<never>; stop(): void } {
  const over = new AbortController();
  const { promise, reject } = withReject();
  let current: string | undefined;
  let waiting = false;
  let end = (): void => undefined;
  return {
    signal: over.signal,
    expired: promise,
    get what() {
      return current;
    },
    get asked() {
      return waiting ? (current ?? ANSWER) : undefined;
    },
    begin(what): () => void {
      current = what;
      waiting = true;
      const goOn = options.limit.hold();
      const notice = setTimeout(() => {
        if (what !== undefined) options.onWait?.(what);
      }, NOTICE_MS);
      const late = setTimeout(() => reject(options.fail(what ?? ANSWER, PERSON_SEC)), PERSON_SEC * 1000);
      end = () => {
        clearTimeout(notice);
        clearTimeout(late);
      };
      return () => {
        end();
        current = undefined;
        waiting = false;
        goOn();
      };
    },
    stop(): void {
      end();
      over.abort();
    },
  };
}
