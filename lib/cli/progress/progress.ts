/**
 * How far each host is. Everything goes to standard error; texts may be a host's own, and are made safe to show here. What is not `kept` is
 * a sign of life for who watches, and no line of a log.
 */
export interface Progress {
  /** What a host is doing now. */
  update(host: string, text: string, kept?: boolean): void;
  /** What a host came to; nothing more is said of it. */
  done(host: string, text: string, good: boolean, kept?: boolean): void;
  /** Writes something else to the terminal, above what moves. */
  above(write: () => void): void;
  /** A line about all of them. */
  say(text: string): void;
  /** Leaves the terminal as it should be for other output. */
  stop(): Promise<void>;
}
