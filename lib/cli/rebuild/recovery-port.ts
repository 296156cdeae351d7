import type { Door } from '../../engine/recovery/bootstrap.js';
import type { ReadOptions } from '../../engine/observe/observe-host.js';
import type { DataItem } from '../../engine/recovery/data.js';
import type { DiskFound } from '../../engine/recovery/disks.js';
import type { Fetching } from '../../engine/recovery/fetched.js';
import type { BackupType, Weights } from '../../engine/recovery/weights.js';
import type { ReadTransport, Transport } from '../../engine/transport.js';
import type { HostManifest, SshTarget } from '../../manifest/index.js';

/** What a rebuild needs of the engine beyond what an apply does. `recovery.ts` is the real one; tests pass a double. */
export interface RecoveryPort {
  /** The line for authorized_keys that lets us in at a target; `undefined` where an agent holds the keys. */
  authorizedKey(target: SshTarget, host: string): Promise<string | undefined>;
  /** Opens the normal door; returns what had to be done, in words. */
  bootstrap(transport: Transport, door: Door, signal: AbortSignal): Promise<readonly string[]>;
  disks(
    transport: ReadTransport,
    mounts: HostManifest['mounts'],
    options: ReadOptions,
  ): Promise<readonly DiskFound[]>;
  /** `null` where the host has no program for it yet. */
  planWeights(
    transport: ReadTransport,
    type: BackupType | undefined,
    options: ReadOptions,
  ): Promise<Weights | null>;
  restoreWeights(
    transport: Transport,
    type: BackupType | undefined,
    say: (line: string) => void,
    signal: AbortSignal,
  ): Promise<Weights>;
  /** Has a new machine bring back what it keeps off-site. */
  restoreData(
    transport: Transport,
    say: (line: string) => void,
    signal: AbortSignal,
  ): Promise<'already' | readonly DataItem[]>;
  /** How far the host is with weights that it fetches by itself. */
  fetching(
    transport: ReadTransport,
    models: readonly string[],
    options: ReadOptions,
  ): Promise<readonly Fetching[]>;
  /** `null` where the host has no health program. */
  health(
    transport: ReadTransport,
    options: ReadOptions,
  ): Promise<{ readonly well: boolean; readonly words: string } | null>;
}
