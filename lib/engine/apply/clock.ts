/** Time as a parameter: shells pass the real one, tests their own. */
export interface Clock {
  /** Milliseconds since some fixed moment. */
  now(): number;
  sleep(seconds: number): Promise<void>;
}
