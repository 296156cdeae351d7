import type { Construct } from 'constructs';
import type { Contribution } from './contribution.js';
import { HostItem } from './item.js';

export interface AptPackageProps {
  /** Name as apt knows it. @default - the construct's id */
  readonly name?: string;
  /** Exact Debian version. @default - whatever version the host has or its sources offer */
  readonly version?: string;
  /** Absolute path, on the host, of a `.deb` to install instead. @default - the host's package sources */
  readonly source?: string;
}

/** A Debian package that is installed. Several constructs may ask for the same one, as long as they agree on its version. */
export class AptPackage extends HostItem {
  readonly packageName: string;

  constructor(
    scope: Construct,
    id: string,
    private readonly props: AptPackageProps = {},
  ) {
    super(scope, id);
    this.packageName = props.name ?? id;
  }

  override contributions(): Contribution[] {
    const { version, source } = this.props;
    const value = {
      ...(version === undefined ? {} : { version }),
      ...(source === undefined ? {} : { source }),
    };
    return [{ section: 'packages', key: this.packageName, value }];
  }
}
