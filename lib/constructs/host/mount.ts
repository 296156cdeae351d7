import type { Construct } from 'constructs';
import { renderFstabLine } from '../../render/index.js';
import { Duration } from '../units.js';
import { attempt } from './attempt.js';
import type { Contribution } from './contribution.js';
import { HostItem } from './item.js';
import { refuseUnknown, type Names } from './known-props.js';
import type { OwnProblem } from './problems.js';

/** What is mounted: a device by path, label or identifier, or something without a device (`tmpfs`, `host:/export`). */
export type MountSource =
  | { readonly device: string }
  | { readonly label: string }
  | { readonly uuid: string }
  | { readonly partLabel: string }
  | { readonly partUuid: string }
  | { readonly name: string };

export interface MountProps {
  /** Absolute path of a directory. It is made if it is missing; declare a `Directory` of the same path to own it. */
  readonly mountPoint: string;
  readonly source: MountSource;
  /** File system type, such as `ext4`. The file system must exist: nothing is ever formatted. */
  readonly type: string;
  /** Options of mount(8), one per entry. @default ['defaults'] */
  readonly options?: readonly string[];
  /**
   * Whether the host must not boot without it. Unless it must, `nofail` is added, and for devices
   * `x-systemd.device-timeout=`. @default false
   */
  readonly required?: boolean;
  /** How long the boot waits for the device. @default Duration.seconds(10) */
  readonly deviceTimeout?: Duration;
  /** `mounted`: now and at boot; `present`: the line in /etc/fstab and no more. @default 'mounted' */
  readonly state?: 'mounted' | 'present';
  /** Order of the file system's check at boot. @default 2 for ext2, ext3, ext4 and vfat on a device, else 0 */
  readonly pass?: 0 | 1 | 2;
}

const PREFIXES = {
  device: '',
  label: 'LABEL=',
  uuid: 'UUID=',
  partLabel: 'PARTLABEL=',
  partUuid: 'PARTUUID=',
  name: '',
};

const NAMES: Names<MountProps> = {
  mountPoint: true,
  source: true,
  type: true,
  options: true,
  required: true,
  deviceTimeout: true,
  state: true,
  pass: true,
};

/** A mount, now and by a line of our own in /etc/fstab. Other lines of that file stay as they are. */
export class Mount extends HostItem {
  /** The mount point. */
  readonly path: string;

  constructor(
    scope: Construct,
    id: string,
    private readonly props: MountProps,
  ) {
    super(scope, id);
    refuseUnknown(this, props, NAMES);
    this.path = props.mountPoint;
  }

  override contributions(): Contribution[] {
    const { type, state = 'mounted' } = this.props;
    const value = { source: this.source(), type, options: this.options(), state };
    return [
      { section: 'mounts', key: this.path, value },
      { section: 'blocks', key: '/etc/fstab', value: { [this.path]: this.line().text } },
    ];
  }

  protected override problems(): readonly OwnProblem[] {
    return this.line().problems;
  }

  private line() {
    const { mountPoint, type, pass } = this.props;
    const checked = this.onDevice() && ['ext2', 'ext3', 'ext4', 'vfat'].includes(type);
    return attempt(() =>
      renderFstabLine({
        source: this.source(),
        mountPoint,
        type,
        options: this.options(),
        pass: pass ?? (checked ? 2 : 0),
      }),
    );
  }

  private source(): string {
    const [kind, name] = Object.entries(this.props.source)[0] as [keyof typeof PREFIXES, string];
    return PREFIXES[kind] + name;
  }

  private onDevice(): boolean {
    return !('name' in this.props.source);
  }

  private options(): string[] {
    const { options = ['defaults'], required = false, deviceTimeout = Duration.seconds(10) } = this.props;
    if (required) return [...options];
    const added = [
      'nofail',
      ...(this.onDevice() ? [`x-systemd.device-timeout=${deviceTimeout.toString()}`] : []),
    ];
    return [
      ...options,
      ...added.filter((option) => !options.some((given) => nameOf(given) === nameOf(option))),
    ];
  }
}

function nameOf(option: string): string {
  return option.replace(/=.*/s, '');
}
