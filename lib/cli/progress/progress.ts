/** How far each host is. Everything goes to standard error; texts may be a host's own, and are made safe to show here. */
export interface Progress {
  /** What a host is doing now. */
  update(host: string, text: string): void;
  /** What a host came to; nothing more is said of it. */
  done(host: string, text: string, good: boolean): void;
  /** A line about all of them. */
  say(text: string): void;
  /** Leaves the terminal as it should be for other output. */
  stop(): Promise<void>;
}
