import type { RecoveryPort } from '../../../lib/cli/rebuild/recovery-port.js';
import type { ModelWeights, Weights } from '../../../lib/engine/recovery/weights.js';
import { CitadelError, type HostManifest, type ManifestUnit } from '../../../lib/manifest/index.js';
import { PIN, recoveryDouble, type EngineScript, type ShellScript } from '../doubles.js';

const KEY = { type: 'ssh-ed25519', fingerprint: PIN };
const WELL = `citadel-examine/1
time\t1700000001
uid\t0
system\tDebian GNU/Linux 13 (trixie)
tool\ttar\tyes
booted\tyes
systemd\t257
space\t/var\t9000000\t400000
end
`;
/** An error about the host `alpha`. */
export const error = (code: string, got = 'no', fix = 'Do.'): CitadelError =>
  new CitadelError({ code, path: 'alpha', got, fix });

export const UNIT: ManifestUnit = { enabled: true, state: 'running', restartOn: [], reloadOn: [], wave: 1 };
export const FILE = { content: '', owner: 'root', group: 'root', mode: '0644' };

/** A host with one model. */
export const NODE: HostManifest = {
  version: 1,
  host: 'alpha',
  files: {
    '/opt/citadel/scripts/backup_manager.py': FILE,
    '/etc/systemd/system/citadel-phi3.service': FILE,
  },
  units: { 'citadel-phi3.service': UNIT },
  checks: {
    phi3: { kind: 'http', url: 'http://10.0.0.1:11403/health', status: 200, timeoutSec: 1, wave: 1 },
  },
};

/** What the host says of its one model. */
export function model(how: ModelWeights['how'], more: Partial<ModelWeights> = {}): ModelWeights {
  return {
    model: 'phi3',
    unit: 'citadel-phi3.service',
    port: 11403,
    directory: 'Phi-3',
    how,
    source: 'models/daily/phi3-1.tar.zst',
    created: 1_699_996_400,
    bytes: 2048,
    seconds: 1.5,
    skipped: [],
    error: '',
    fix: '',
    ...more,
  };
}
export const weights = (...models: ModelWeights[]): Weights => ({
  storageUnit: 'citadel-storage.service',
  models,
});

/** A machine that answers with the pinned key, and that nothing is wrong with. */
export function world(
  recovery: Partial<RecoveryPort> = {},
  engine: EngineScript = {},
  manifest = NODE,
): ShellScript {
  return {
    engine: { keys: [KEY], examination: WELL, recovery: recoveryDouble(recovery), ...engine },
    app: { buildHosts: () => [manifest] },
  };
}
