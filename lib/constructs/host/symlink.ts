import type { Construct } from 'constructs';
import { absentPath, onlyAbsent } from './absent.js';
import type { Contribution } from './contribution.js';
import { HostItem } from './item.js';
import { refuseUnknown, type Names } from './known-props.js';
import type { OwnProblem } from './problems.js';

export interface SymlinkProps {
  /** Absolute path of the link itself. */
  readonly path: string;
  /** What the link says: absolute, or relative to the link's directory. It need not exist. */
  readonly target?: string;
  /** `absent`: no link and no file is to stand there; with `path` alone. @default 'present' */
  readonly state?: 'present' | 'absent';
}

const NAMES: Names<SymlinkProps> = { path: true, target: true, state: true };

/** A symbolic link. */
export class Symlink extends HostItem {
  readonly path: string;
  /** Empty of one that is to be absent. */
  readonly target: string;

  constructor(
    scope: Construct,
    id: string,
    private readonly props: SymlinkProps,
  ) {
    super(scope, id);
    refuseUnknown(this, props, NAMES);
    this.path = props.path;
    this.target = props.target ?? '';
  }

  override contributions(): Contribution[] {
    if (this.props.state === 'absent') return [absentPath(this.path, 'file')];
    if (this.props.target === undefined) return [];
    return [{ section: 'symlinks', key: this.path, value: { target: this.props.target } }];
  }

  protected override problems(): OwnProblem[] {
    if (this.props.state === 'absent') return onlyAbsent(this.props);
    if (this.props.target !== undefined) return [];
    return [
      { code: 'construct.symlink.target', got: `${this.path} has no target`, fix: 'Say where it leads' },
    ];
  }
}
