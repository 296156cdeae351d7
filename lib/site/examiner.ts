import type { Finding } from './finding.js';

/** What `citadel-iac doctor` looks at on a host besides what an apply needs. */
export interface Examiner {
  /** Shown in messages and in the host's process list. */
  readonly name: string;
  /** POSIX sh, constant text, that writes nothing on the host; run as root where the account can be. */
  readonly script: string;
  /** What its standard output means. */
  readonly judge: (output: string) => readonly Finding[];
}
