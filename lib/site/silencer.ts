/** Where alerts of the site can be silenced: something that speaks Alertmanager's API v2, asked on its own host. */
export interface Silencer {
  readonly host: string;
  /** On that host: `http://127.0.0.1:9093`. */
  readonly url: string;
}
