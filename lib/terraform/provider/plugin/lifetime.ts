/**
 * When the process may end: after `Shutdown`, or when the client is gone. A transaction that runs is followed
 * to its end first; it goes on on the host in any case, so the wait is for the record, and bounded.
 */
export interface Lifetime {
  /** Runs `work` and keeps the process alive for it. */
  during<T>(work: () => Promise<T>): Promise<T>;
  /** The client has a connection, or has one less. */
  connected(): void;
  disconnected(): void;
  /** The client said that it is done. */
  shutdown(): void;
}

export interface LifetimeOptions {
  readonly exit: () => void;
  /** Milliseconds without any connection after which the client counts as gone; 0 for a debug server: never. */
  readonly idleMs: number;
  /** Milliseconds that running work may still take after the client went. */
  readonly graceMs: number;
}

export function createLifetime(options: LifetimeOptions): Lifetime {
  let running = 0;
  let connections = 0;
  let ending = false;
  let exited = false;
  let idle: NodeJS.Timeout | undefined;

  const watch = (): void => {
    clearTimeout(idle);
    if (options.idleMs > 0 && connections === 0) idle = setTimeout(end, options.idleMs);
  };
  const exit = (): void => {
    if (!exited) options.exit();
    exited = true;
  };
  const end = (): void => {
    if (running === 0) {
      exit();
      return;
    }
    if (!ending) setTimeout(exit, options.graceMs).unref();
    ending = true;
  };
  watch();
  return {
    async during(work) {
      running += 1;
      try {
        return await work();
      } finally {
        running -= 1;
        // The answer still has to leave the process.
        if (ending && running === 0) setTimeout(exit, 50);
      }
    },
    connected() {
      connections += 1;
      watch();
    },
    disconnected() {
      connections -= 1;
      watch();
    },
    shutdown: end,
  };
}
