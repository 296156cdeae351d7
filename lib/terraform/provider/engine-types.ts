/** What the provider tells the engine about an apply. */
export interface ApplyOptions {
  /** Who asks, for the lock and the history: `ada@laptop (terraform)`. */
  readonly who: string;
  /** One line of progress. */
  readonly onProgress: (line: string) => void;
}
