import type { Weights } from '../../engine/recovery/weights.js';
import { isThere } from '../../engine/recovery/weights.js';
import type { HostInventory } from '../../inventory/index.js';
import type { HostManifest } from '../../manifest/index.js';
import { GIB } from '../../text/size.js';
import { plural } from '../text/style.js';
import { hasModels } from './at-rest.js';
import { fetchedWeights, keptElsewhere } from './declared.js';

export type StepName =
  | 'reach'
  | 'bootstrap'
  | 'disks'
  | 'configuration'
  | 'data'
  | 'weights'
  | 'services'
  | 'reboot'
  | 'fetch'
  | 'verification';

/** One step of a rebuild. Whether it is done already is found on the host: there is no file of progress to lose. */
export interface Step {
  readonly name: StepName;
  /** What it will do, for a person. */
  readonly does: string;
  /** About how many seconds; a guess from sizes and counts, said as such. */
  readonly estimateSec: number;
}

/** What is known of a host before anything is touched. */
export interface Look {
  readonly host: string;
  readonly manifest: HostManifest;
  readonly inventory: HostInventory;
  /** `agent0@192.168.10.35:22`: the normal door. */
  readonly door: string;
  /** The log-in through which the normal door has to be opened first; absent when it is open. */
  readonly bootstrap?: string;
  /** The host key that was given for this run. */
  readonly givenKey?: string;
  /** What the host's own program would do; `null` where it is not there yet. */
  readonly weights: Weights | null;
}

export interface StepOptions {
  readonly withoutWeights?: boolean;
  readonly withoutData?: boolean;
  readonly from?: string;
}

/** A SATA SSD reads and unpacks about this much; disks of backups are not the fastest. */
const UNPACK_BYTES_PER_SEC = 200 * 1024 ** 2;
const LOAD_BYTES_PER_SEC = GIB;
/** A server starts, makes its graphs and answers. */
const MODEL_START_SEC = 40;
const PER_PACKAGE_SEC = 2;
const ENVIRONMENT_SEC = 300;
const FETCH_BYTES_PER_SEC = 100 * 1024 ** 2;
/** How much there is, only the store knows. */
const DATA_SEC = 120;

/** All steps of a rebuild, in order. */
export function planSteps(look: Look, options: StepOptions): Step[] {
  const { manifest, bootstrap, givenKey } = look;
  const models = hasModels(manifest);
  const kept = keptElsewhere(manifest);
  const inTwo = models || kept.length > 0;
  const fetched = fetchedWeights(manifest);
  const packages = Object.keys(manifest.packages ?? {}).length;
  const units = Object.values(manifest.units ?? {}).filter(({ state }) => state === 'running').length;
  const mounts = Object.entries(manifest.mounts ?? {});
  const key = givenKey === undefined ? 'a pinned host key' : `the host key ${givenKey}, given for this run`;
  return [
    { name: 'reach', does: `log in as ${bootstrap ?? look.door}, to ${key}`, estimateSec: 5 },
    {
      name: 'bootstrap',
      does:
        bootstrap === undefined
          ? `nothing: ${look.door} may log in and use sudo`
          : `as ${bootstrap}: make the account, keys and sudo of ${look.door}`,
      estimateSec: bootstrap === undefined ? 0 : 30,
    },
    {
      name: 'disks',
      does:
        mounts.length === 0
          ? 'nothing: no disk is mounted'
          : `use as they are, never format: ${mounts.map(([point, { source }]) => `${source} (${point})`).join(', ')}`,
      estimateSec: 1,
    },
    ...(inTwo
      ? [
          {
            name: 'configuration' as const,
            does: `install ${plural(packages, 'package')}, mount disks, write files; nothing of ours is started`,
            estimateSec: 20 + packages * PER_PACKAGE_SEC,
          },
        ]
      : []),
    ...(kept.length > 0
      ? [
          {
            name: 'data' as const,
            does:
              options.withoutData === true
                ? 'nothing (--without-data): its services begin with none'
                : `bring back from off-site, on a new machine: ${kept.join(', ')}`,
            estimateSec: options.withoutData === true ? 0 : DATA_SEC,
          },
        ]
      : []),
    ...(models
      ? [
          {
            name: 'weights' as const,
            does: weightsText(look, options),
            estimateSec: Math.ceil(bytesToRestore(look, options) / UNPACK_BYTES_PER_SEC),
          },
        ]
      : []),
    {
      name: 'services',
      does: inTwo
        ? `start ${plural(units, 'unit')} by waves, and check each`
        : `install ${plural(packages, 'package')}, write files, start ${plural(units, 'unit')} by waves, and check each`,
      estimateSec: 20 + (models ? startSec(look) : inTwo ? 0 : packages * PER_PACKAGE_SEC),
    },
    {
      name: 'reboot',
      does: 'where it owes one (a first driver, a newer kernel): drain, reboot, wait, prove',
      estimateSec: 0,
    },
    ...(fetched.length > 0 && options.withoutWeights !== true
      ? [
          {
            name: 'fetch' as const,
            does: `wait for weights that no backup has and the host fetches: ${fetched.map(({ model, from }) => `${model} from ${from}`).join(', ')}`,
            estimateSec: Math.ceil(fetched.reduce((sum, { bytes }) => sum + bytes, 0) / FETCH_BYTES_PER_SEC),
          },
        ]
      : []),
    { name: 'verification', does: 'compare everything once more, and ask for its health', estimateSec: 10 },
  ];
}

function weightsText({ weights, inventory }: Look, { withoutWeights, from }: StepOptions): string {
  if (withoutWeights === true)
    return 'nothing (--without-weights): models that are not there are not started';
  const archives =
    from === undefined ? 'the newest archive that verifies' : `the newest ${from} archive that verifies`;
  if (weights === null) {
    const count = Object.keys(inventory.ai?.models ?? {}).length;
    return `bring back what is missing of ${plural(count, 'model')}, each from ${archives}`;
  }
  const lost = weights.models.filter((model) => !isThere(model));
  if (lost.length === 0) return `nothing: all ${plural(weights.models.length, 'model')} are there`;
  return `bring back ${lost.map(({ model }) => model).join(', ')}, each from ${archives}`;
}

function bytesToRestore({ weights, inventory }: Look, { withoutWeights }: StepOptions): number {
  if (withoutWeights === true) return 0;
  if (weights !== null)
    return weights.models.reduce((sum, { how, bytes }) => (how === 'restore' ? sum + bytes : sum), 0);
  return Object.values(inventory.ai?.models ?? {}).reduce((sum, { weightsGiB }) => sum + weightsGiB * GIB, 0);
}

/** Models of one GPU load one after another, GPUs at the same time. */
function startSec({ inventory, manifest }: Look): number {
  const perGpu = new Map<number, number>();
  for (const { gpus, weightsGiB } of Object.values(inventory.ai?.models ?? {})) {
    const [first = 0] = gpus;
    perGpu.set(first, (perGpu.get(first) ?? 0) + MODEL_START_SEC + (weightsGiB * GIB) / LOAD_BYTES_PER_SEC);
  }
  const builds = manifest.units?.['citadel-vllm-env.service'] !== undefined;
  return Math.ceil(Math.max(0, ...perGpu.values()) + (builds ? ENVIRONMENT_SEC : 0));
}
