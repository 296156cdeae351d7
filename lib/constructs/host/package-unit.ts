import type { Construct } from 'constructs';
import type { ManifestUnit } from '../../manifest/index.js';
import { onlyAbsent } from './absent.js';
import type { Contribution } from './contribution.js';
import { HostItem } from './item.js';
import { refuseUnknown, type Names } from './known-props.js';
import { listen, type ListenProps } from './listen.js';
import type { PathLike } from './ownership.js';
import type { Port } from './port.js';
import type { OwnProblem } from './problems.js';
import { SystemdDropIn } from './drop-in.js';
import type { UnitSections } from './unit-sections.js';
import { UNIT_STATE, UnitTriggers, type UnitStateProps } from './unit-state.js';

export interface PackageUnitProps extends Omit<UnitStateProps, 'state'> {
  /** Full name of a unit that a Debian package ships, or an instance of a template: `prometheus.service`. */
  readonly name: string;
  /** @default true */
  readonly enabled?: boolean | null;
  /**
   * `absent`: it does not run, and nothing can start it, whoever made it: it is stopped and masked. Taken back, it is what
   * it was, and not started; with `name` alone. @default 'running'
   */
  readonly state?: 'running' | 'stopped' | 'any' | 'absent';
  /** Drop-ins by name: `{ limits: { service: { LimitNOFILE: 65536 } } }`. @default {} */
  readonly dropIns?: Readonly<Record<string, UnitSections>>;
}

const NAMES: Names<PackageUnitProps> = { name: true, dropIns: true, ...UNIT_STATE };

/** A unit whose file is not ours: only its state is, and the drop-ins next to it. Made by `SystemdUnit.fromPackage`. */
export class PackageUnit extends HostItem {
  readonly unitName: string;
  private readonly changes: UnitTriggers;

  constructor(
    scope: Construct,
    id: string,
    private readonly props: PackageUnitProps,
  ) {
    super(scope, id);
    refuseUnknown(this, props, NAMES);
    this.unitName = props.name;
    this.changes = new UnitTriggers(stateOf(props));
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

  /**
   * Declares that it listens: the port (which `FirewallRules` open for `from`), and the check that must hold once it is up.
   *
   *     nginx.listen(443, { from: 'any' });
   *     api.listen(8080, { from: [proxyHost], check: { http: '/health' } });
   */
  listen(port: number, props: ListenProps): Port {
    return listen(this, this.props.wave, port, props);
  }

  override contributions(): Contribution[] {
    if (this.props.state === 'absent') return masked(this.unitName);
    const value = this.changes.value([], { enabled: true, state: 'running' }, stateOf(this.props));
    return [{ section: 'units', key: this.unitName, value }];
  }

  protected override problems(): OwnProblem[] {
    return this.props.state === 'absent' ? onlyAbsent(this.props, 'name') : [];
  }
}

function stateOf({ state, ...props }: PackageUnitProps): UnitStateProps {
  return state === undefined || state === 'absent' ? props : { ...props, state };
}

/** What it is enabled for stays as it is: that says nothing of a unit that is masked, and holds again when it is not. */
function masked(name: string): Contribution[] {
  const link: Contribution = {
    section: 'symlinks',
    key: `/etc/systemd/system/${name}`,
    value: { target: '/dev/null' },
  };
  // A template has no state of its own.
  if (name.includes('@.')) return [link];
  const value: ManifestUnit = { enabled: null, state: 'stopped', restartOn: [], reloadOn: [], wave: 0 };
  return [link, { section: 'units', key: name, value }];
}
