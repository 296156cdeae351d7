import type { Construct } from 'constructs';
import type { Contribution } from './contribution.js';
import { HostItem } from './item.js';
import { refuseUnknown, type Names } from './known-props.js';

export interface ManagedBlockProps {
  /** Absolute path of a file that is shared with others, such as `/etc/hosts`. Comments start with `#` in it. */
  readonly path: string;
  /** Name in the marker lines `# BEGIN citadel-iac <name>` and `# END citadel-iac <name>`. @default - the construct's id */
  readonly name?: string;
  /** Lines between the markers, without line ends. Secrets are refused here. */
  readonly lines: readonly string[];
}

const NAMES: Names<ManagedBlockProps> = { path: true, name: true, lines: true };

/**
 * Some lines of a file that belongs to someone else. Only what is between our markers is ours: everything outside
 * stays as it is, byte for byte, and leaving the stack takes the markers away as well.
 */
export class ManagedBlock extends HostItem {
  readonly path: string;
  readonly blockName: string;
  private readonly lines: readonly string[];

  constructor(scope: Construct, id: string, props: ManagedBlockProps) {
    super(scope, id);
    refuseUnknown(this, props, NAMES);
    this.path = props.path;
    this.blockName = props.name ?? id;
    this.lines = [...props.lines];
  }

  override contributions(): Contribution[] {
    const text = this.lines.map((line) => `${line}\n`).join('');
    return [{ section: 'blocks', key: this.path, value: { [this.blockName]: text } }];
  }
}
