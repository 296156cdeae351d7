import type { Construct } from 'constructs';
import type { Contribution } from './contribution.js';
import { HostItem } from './item.js';
import { refuseUnknown, type Names } from './known-props.js';

export interface AptPackageProps {
  /** Name as apt knows it. @default - the construct's id */
  readonly name?: string;
  /** Exact Debian version. @default - whatever version the host has or its sources offer */
  readonly version?: string;
  /** Absolute path, on the host, of a `.deb` to install instead. @default - the host's package sources */
  readonly source?: string;
  /** `absent`: it is removed if it is there, also because another package conflicts with it. @default 'present' */
  readonly state?: 'present' | 'absent';
  /**
   * Whether apt keeps it as it is (`apt-mark hold`), whoever upgrades: only this configuration changes it, by `version`. What
   * held it before stays so when this goes. @default false
   */
  readonly hold?: boolean;
}

const NAMES: Names<AptPackageProps> = { name: true, version: true, source: true, state: true, hold: true };

/** A Debian package that is installed, or is not to be. Several constructs may ask for the same one, as long as they agree on its version. */
export class AptPackage extends HostItem {
  readonly packageName: string;

  constructor(
    scope: Construct,
    id: string,
    private readonly props: AptPackageProps = {},
  ) {
    super(scope, id);
    refuseUnknown(this, props, NAMES);
    this.packageName = props.name ?? id;
  }

  override contributions(): Contribution[] {
    const { version, source, state, hold } = this.props;
    const value = {
      ...(version === undefined ? {} : { version }),
      ...(source === undefined ? {} : { source }),
      ...(state === 'absent' ? { state } : {}),
      ...(hold === true ? { hold } : {}),
    };
    return [{ section: 'packages', key: this.packageName, value }];
  }
}
