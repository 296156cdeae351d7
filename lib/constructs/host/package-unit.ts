import type { Construct } from 'constructs';
import type { Contribution } from './contribution.js';
import { HostItem } from './item.js';
import type { PathLike } from './ownership.js';
import { SystemdDropIn } from './drop-in.js';
import type { UnitSections } from './unit-sections.js';
import { UnitTriggers, type UnitStateProps } from './unit-state.js';

export interface PackageUnitProps extends UnitStateProps {
  /** Full name of a unit that a Debian package ships, or an instance of a template: `prometheus.service`. */
  readonly name: string;
  /** @default true */
  readonly enabled?: boolean | null;
  /** @default 'running' */
  readonly state?: 'running' | 'stopped' | 'any';
  /** Drop-ins by name: `{ limits: { service: { LimitNOFILE: 65536 } } }`. @default {} */
  readonly dropIns?: Readonly<Record<string, UnitSections>>;
}

/** A unit whose file is not ours: only its state is, and the drop-ins beside it. Made by `SystemdUnit.forPackageUnit`. */
export class PackageUnit extends HostItem {
  readonly unitName: string;
  private readonly changes: UnitTriggers;

  constructor(
    scope: Construct,
    id: string,
    private readonly props: PackageUnitProps,
  ) {
    super(scope, id);
    this.unitName = props.name;
    this.changes = new UnitTriggers(props);
    for (const [name, sections] of Object.entries(props.dropIns ?? {})) this.addDropIn(name, sections);
  }

  addRestartOn(...paths: readonly PathLike[]): void {
    this.changes.add('restart', paths);
  }
  addReloadOn(...paths: readonly PathLike[]): void {
    this.changes.add('reload', paths);
  }
  addDropIn(name: string, sections: UnitSections): SystemdDropIn {
    return new SystemdDropIn(this, name, { unit: this.unitName, sections });
  }

  override contributions(): Contribution[] {
    const value = this.changes.value([], { enabled: true, state: 'running' }, this.props);
    return [{ section: 'units', key: this.unitName, value }];
  }
}
