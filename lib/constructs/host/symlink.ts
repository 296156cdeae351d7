import type { Construct } from 'constructs';
import type { Contribution } from './contribution.js';
import { HostItem } from './item.js';
import { refuseUnknown, type Names } from './known-props.js';

export interface SymlinkProps {
  /** Absolute path of the link itself. */
  readonly path: string;
  /** What the link says: absolute, or relative to the link's directory. It need not exist. */
  readonly target: string;
}

const NAMES: Names<SymlinkProps> = { path: true, target: true };

/** A symbolic link. */
export class Symlink extends HostItem {
  readonly path: string;
  readonly target: string;

  constructor(scope: Construct, id: string, props: SymlinkProps) {
    super(scope, id);
    refuseUnknown(this, props, NAMES);
    this.path = props.path;
    this.target = props.target;
  }

  override contributions(): Contribution[] {
    return [{ section: 'symlinks', key: this.path, value: { target: this.target } }];
  }
}
