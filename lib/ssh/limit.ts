/** A deadline and an abort signal, as one promise to race the work against. */
export interface Limit {
  /** Never resolves; rejects with what the caller's `fail` made. */
  readonly expired: Promise<never>;
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
  const arm = (milliseconds: number): void => {
    const due = performance.now() + milliseconds;
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
    stop(): void {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
    },
  };
}

/** A promise that can only fail; when nobody races against it any more, its failure is not an unhandled one. */
export function withReject(): { readonly promise: Promise<never>; readonly reject: (error: Error) => void } {
  let reject: (error: Error) => void = () => undefined;
  const promise = new Promise<never>((_resolve, fail) => {
    reject = fail;
  });
  promise.catch(() => undefined);
  return { promise, reject };
}
