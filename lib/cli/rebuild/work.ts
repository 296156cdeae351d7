import type { DataItem } from '../../engine/recovery/data.js';
import type { BackupType, Weights } from '../../engine/recovery/weights.js';
import type { HostManifest } from '../../manifest/index.js';
import type { CarryOutOptions } from '../carry-out-options.js';
import type { Fleet } from '../fleet.js';
import type { Shell } from '../shell.js';
import type { RecoveryPort } from './recovery-port.js';

export interface CarryOptions extends CarryOutOptions {
  readonly withoutWeights?: boolean;
  readonly withoutData?: boolean;
  readonly from?: BackupType;
}

/** What the later steps work with: the normal door is open. */
export interface Work {
  readonly shell: Shell;
  readonly fleet: Fleet;
  readonly recovery: RecoveryPort;
  readonly manifest: HostManifest;
  readonly options: CarryOptions;
  readonly say: (text: string) => void;
}

/** What became of data and health, also when a step failed: as far as it came. */
export interface Found {
  weights: Weights | null;
  data: readonly DataItem[];
  /** Why it owes another reboot. */
  owes: readonly string[];
  health: { readonly well: boolean; readonly words: string } | null;
}
