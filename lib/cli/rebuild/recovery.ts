import { bootstrapHost } from '../../engine/recovery/bootstrap.js';
import { restoreData } from '../../engine/recovery/data.js';
import { readDisks } from '../../engine/recovery/disks.js';
import { readFetching } from '../../engine/recovery/fetched.js';
import { readHealth } from '../../engine/recovery/health.js';
import { planWeights, restoreWeights } from '../../engine/recovery/weights.js';
import { authorizedKeyOf } from '../../engine/targets/public-key.js';
import type { RecoveryPort } from './recovery-port.js';

/** @param home the operator's home directory, for `~/` in identityFile */
export function realRecovery(home: string): RecoveryPort {
  return {
    authorizedKey: (target, host) => authorizedKeyOf(target, host, home),
    bootstrap: (transport, door, signal) => bootstrapHost(transport, door, { signal }),
    disks: readDisks,
    planWeights,
    restoreWeights: (transport, type, say, signal) => restoreWeights(transport, type, say, { signal }),
    restoreData,
    fetching: readFetching,
    health: readHealth,
  };
}
