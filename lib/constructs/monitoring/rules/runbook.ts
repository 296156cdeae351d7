/** A command to type, and where. */
export interface RunbookCommand {
  /** Host to type it on; `$host` is the one that the alert names. */
  readonly on: string;
  /** As it is typed by the account that logs in; may be several lines. */
  readonly type: string;
  /** What it shows or does, in a few words. */
  readonly why: string;
}

/** What a person reads who is woken by an alert. Markdown in all texts; sentences. */
export interface Runbook {
  /** What it means, and for whom it matters now. */
  readonly meaning: string;
  /** What to look at, in this order. */
  readonly look: readonly RunbookCommand[];
  /** How to make it well: sentences, or commands. */
  readonly fix: readonly (string | RunbookCommand)[];
  /** When to wake someone else, or to leave it until morning. */
  readonly escalate: string;
}

/** Address of the section about one alert. */
export function runbookUrl(base: string, alert: string): string {
  return `${base}#${alert.toLowerCase()}`;
}

/** An absolute http(s) URL, or a path relative to the project (`docs/runbook.md`). */
export function isRunbookBase(text: string): boolean {
  if (/^[A-Za-z0-9._-]+(\/[A-Za-z0-9._-]+)*\.(md|html)$/.test(text)) return true;
  return /^https?:\/\/[^\s#?]+$/.test(text) && URL.canParse(text);
}
