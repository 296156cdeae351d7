/** What the doctor says about one thing. */
export interface Finding {
  /** `host key`, `sudo` … */
  readonly name: string;
  /** `skipped`: something else has to be fixed first. */
  readonly status: 'ok' | 'warning' | 'failed' | 'skipped';
  readonly found: string;
  /** What to do; only with `warning` and `failed`. */
  readonly fix?: string;
}

export const ok = (name: string, found: string): Finding => ({ name, status: 'ok', found });
export const failed = (name: string, found: string, fix: string): Finding => ({
  name,
  status: 'failed',
  found,
  fix,
});
export const warning = (name: string, found: string, fix: string): Finding => ({
  name,
  status: 'warning',
  found,
  fix,
});
export const skipped = (name: string, found: string): Finding => ({ name, status: 'skipped', found });
