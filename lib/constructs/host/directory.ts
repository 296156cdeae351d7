import type { Construct } from 'constructs';
import { absentPath, onlyAbsent } from './absent.js';
import type { Contribution } from './contribution.js';
import { HostItem } from './item.js';
import { refuseUnknown, type Names } from './known-props.js';
import { ownership, type OwnershipProps } from './ownership.js';
import type { OwnProblem } from './problems.js';

export interface DirectoryProps extends OwnershipProps {
  /** Absolute path. */
  readonly path: string;
  /** Four octal digits. @default '0755' */
  readonly mode?: string;
  /**
   * `absent`: no directory is to stand there, whoever made it; with `path` alone. One that holds what does not go as well
   * is refused. Taken back, it comes back. @default 'present'
   */
  readonly state?: 'present' | 'absent';
}

const NAMES: Names<DirectoryProps> = { path: true, owner: true, group: true, mode: true, state: true };

/**
 * A directory. Several constructs may declare the same one, as long as they agree about owner, group and mode. A
 * directory that leaves the stack is removed only when nothing else is in it.
 */
export class Directory extends HostItem {
  readonly path: string;

  constructor(
    scope: Construct,
    id: string,
    private readonly props: DirectoryProps,
  ) {
    super(scope, id);
    refuseUnknown(this, props, NAMES);
    this.path = props.path;
  }

  override contributions(): Contribution[] {
    if (this.props.state === 'absent') return [absentPath(this.path, 'directory')];
    return [{ section: 'directories', key: this.path, value: ownership(this.props, '0755') }];
  }

  protected override problems(): OwnProblem[] {
    return this.props.state === 'absent' ? onlyAbsent(this.props) : [];
  }
}
