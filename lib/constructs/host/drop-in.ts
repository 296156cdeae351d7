import type { Construct } from 'constructs';
import { renderUnitFile } from '../../render/index.js';
import { attempt } from './attempt.js';
import type { Contribution, Trigger } from './contribution.js';
import { HostItem } from './item.js';
import { refuseUnknown, unknownProps, type Names } from './known-props.js';
import type { OwnProblem } from './problems.js';
import { sectionProblems, UNIT_SECTIONS, unitFileOf, type UnitSections } from './unit-sections.js';

export interface SystemdDropInProps {
  /** Full name of the unit it adds to; some construct of the host declares that unit. A template (`x@.service`) needs none. */
  readonly unit: string | { readonly unitName: string };
  /** File name without `.conf`; drop-ins are read in the order of their names. @default - the construct's id */
  readonly name?: string;
  /** What it adds. A list is extended; `''` as the first value of an array clears it before. */
  readonly sections: UnitSections;
}

const NAMES: Names<SystemdDropInProps> = { unit: true, name: true, sections: true };

/** `/etc/systemd/system/<unit>.d/<name>.conf`. Its change restarts the unit. */
export class SystemdDropIn extends HostItem {
  readonly unitName: string;
  readonly path: string;
  private readonly sections: UnitSections;

  constructor(scope: Construct, id: string, props: SystemdDropInProps) {
    super(scope, id);
    refuseUnknown(this, props, NAMES);
    this.unitName = typeof props.unit === 'string' ? props.unit : props.unit.unitName;
    this.path = `/etc/systemd/system/${this.unitName}.d/${props.name ?? id}.conf`;
    this.sections = props.sections;
  }

  override contributions(): Contribution[] {
    const root = { owner: 'root', group: 'root' };
    const content = this.text().text;
    return [
      {
        section: 'directories',
        key: this.path.slice(0, this.path.lastIndexOf('/')),
        value: { ...root, mode: '0755' },
      },
      {
        section: 'files',
        key: this.path,
        value: { content, ...root, mode: '0644', validate: 'systemd-unit' },
      },
    ];
  }

  override triggers(): Trigger[] {
    if (this.unitName.includes('@.')) return [];
    return [{ unit: this.unitName, path: this.path, effect: 'restart' }];
  }

  protected override problems(): OwnProblem[] {
    return [
      ...unknownProps(this.sections, UNIT_SECTIONS, 'sections'),
      ...sectionProblems(this.unitName, this.sections),
      ...this.text().problems,
    ];
  }

  private text() {
    return attempt(() => renderUnitFile(unitFileOf(this.sections)));
  }
}
