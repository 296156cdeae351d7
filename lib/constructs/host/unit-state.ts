import type { ManifestUnit } from '../../manifest/index.js';
import type { Duration } from '../units.js';
import type { Names } from './known-props.js';
import { pathOf, pathSet, type PathLike } from './ownership.js';

/** What a unit is to be on its host. */
export interface UnitStateProps {
  /** Whether it starts at boot; `null` when that is not ours to say. */
  readonly enabled?: boolean | null;
  /** `any` leaves it as it is: for units that a timer, a socket or another unit starts. */
  readonly state?: 'running' | 'stopped' | 'any';
  /** Units of wave 0 are started and checked before those of wave 1. @default 0 */
  readonly wave?: number;
  /** Files, blocks and links of this host whose change needs a restart. @default [] */
  readonly restartOn?: readonly PathLike[];
  /** Files, blocks and links of this host whose change needs no more than a reload. @default [] */
  readonly reloadOn?: readonly PathLike[];
  /**
   * What a change of its own file, its drop-ins and `restartOn` asks for: `nothing` leaves a running unit alone.
   * @default - 'restart'; 'nothing' for targets and slices. A job (oneshot) that is at work is never begun again.
   */
  readonly onChange?: 'restart' | 'reload' | 'nothing';
  /** How long after the last health check it may neither fail nor be restarted by systemd. @default - as the inventory says, 5 s */
  readonly settle?: Duration;
}

/** All properties of {@link UnitStateProps}. */
export const UNIT_STATE: Names<UnitStateProps> = {
  enabled: true,
  state: true,
  wave: true,
  restartOn: true,
  reloadOn: true,
  onChange: true,
  settle: true,
};

/** The growing part of a unit: what restarts and reloads it. */
export class UnitTriggers {
  private readonly restart: Set<string>;
  private readonly reload: Set<string>;

  constructor(props: UnitStateProps) {
    this.restart = new Set(props.restartOn?.map(pathOf));
    this.reload = new Set(props.reloadOn?.map(pathOf));
  }

  add(effect: 'restart' | 'reload', paths: readonly PathLike[]): void {
    for (const path of paths) this[effect].add(pathOf(path));
  }

  value(
    own: readonly string[],
    defaults: Pick<ManifestUnit, 'enabled' | 'state'>,
    props: UnitStateProps,
  ): ManifestUnit {
    return {
      enabled: props.enabled === undefined ? defaults.enabled : props.enabled,
      state: props.state ?? defaults.state,
      restartOn: pathSet([...own, ...this.restart]),
      reloadOn: pathSet(this.reload),
      wave: props.wave ?? 0,
      ...(props.onChange === undefined ? {} : { onChange: props.onChange }),
      ...(props.settle === undefined ? {} : { settleSec: props.settle.toSeconds() }),
    };
  }
}
