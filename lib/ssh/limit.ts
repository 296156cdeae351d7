/** A deadline and an abort signal, as one promise to race the work against. */
export interface Limit {
  /** Never resolves; rejects with what the caller's `fail` made. */
  readonly expired: Promise<never>;
  /** Stops the clock while a person is waited for. Returns what lets it run on; one wait at a time. */
  hold(): () => void;
  /** The work is over: frees the timer and the listener. */
  stop(): void;
}

/** Seconds in words: `15 s`, `0.5 s`. */
export function formatSeconds(seconds: number): string {
  return `${String(Math.round(seconds * 1000) / 1000)} s`;
}

/** A timer that comes later than this was kept from coming. */
const LATE_MS = 100;

export function startLimit(
  deadlineSec: number,
  signal: AbortSignal | undefined,
  fail: (kind: 'timeout' | 'aborted') => Error,
): Limit {
  const { promise, reject } = withReject();
  // Time in which this process was busy with itself does not count: the other side may have answered long ago.
  let timer: NodeJS.Timeout | undefined;
  let due = 0;
  const arm = (milliseconds: number): void => {
    due = performance.now() + milliseconds;
    timer = setTimeout(() => {
      const late = performance.now() - due;
      if (late < LATE_MS) reject(fail('timeout'));
      else arm(Math.min(late, milliseconds));
    }, milliseconds);
  };
  arm(deadlineSec * 1000);
  const onAbort = (): void => reject(fail('aborted'));
  if (signal?.aborted === true) onAbort();
  signal?.addEventListener('abort', onAbort, { once: true });
  return {
    expired: promise,
    hold(): () => void {
      clearTimeout(timer);
      const left = Math.max(0, due - performance.now());
      return () => {
        if (timer !== undefined) arm(left);
      };
    },
    stop(): void {
      clearTimeout(timer);
      timer = undefined;
      signal?.removeEventListener('abort', onAbort);
    },
  };
}

/** A promise that can only fail; when nothing races against it any more, its failure is not an unhandled one. */
export function withReject(): { readonly promise: Promise<never>; readonly reject: (error: Error) => void } {
  let reject: (error: Error) => void = () => undefined;
  const promise = new Promise<never>((_resolve, fail) => {
    reject = fail;
  });
  promise.catch(() => undefined);
  return { promise, reject };
}
