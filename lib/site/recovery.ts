import type { HostManifest } from '../manifest/index.js';

/** Something that a rebuild cannot bring back, and what a person can do about it. */
export interface Loss {
  readonly what: string;
  readonly fix: string;
}

/** A role's part in rebuilding a host from a bare machine. */
export interface RoleRecovery {
  /** What is lost with the root disk of a host that has this manifest. */
  readonly losses?: (manifest: HostManifest) => readonly Loss[];
  /** How a person finds what was changed by hand on the old host, where the role keeps copies of it. */
  readonly savedEdits?: (manifest: HostManifest) => string | undefined;
}
