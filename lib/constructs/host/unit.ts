import type { Construct } from 'constructs';
import type { ManifestUnit } from '../../manifest/index.js';
import { renderUnitFile } from '../../render/index.js';
import { attempt } from './attempt.js';
import type { Contribution } from './contribution.js';
import { SystemdDropIn } from './drop-in.js';
import { HostItem } from './item.js';
import { refuseUnknown, type Names } from './known-props.js';
import { listen, type ListenProps } from './listen.js';
import type { PathLike } from './ownership.js';
import { PackageUnit, type PackageUnitProps } from './package-unit.js';
import type { Port } from './port.js';
import type { OwnProblem } from './problems.js';
import { sectionProblems, UNIT_SECTIONS, unitFileOf, type UnitSections } from './unit-sections.js';
import { UNIT_STATE, UnitTriggers, type UnitStateProps } from './unit-state.js';

export interface SystemdUnitProps extends UnitStateProps, UnitSections {
  /** Full name with its suffix: `citadel-phi3.service`; `name@.service` is a template. */
  readonly name: string;
  /** @default - true with an `install` section, else null */
  readonly enabled?: boolean | null;
  /** @default - 'running' with an `install` section, else 'any'; 'any' for a oneshot service that does not remain */
  readonly state?: 'running' | 'stopped' | 'any';
}

const NAMES: Names<SystemdUnitProps> = { name: true, ...UNIT_STATE, ...UNIT_SECTIONS };

/**
 * A unit with a file of ours, `/etc/systemd/system/<name>`. The host's own systemd reads the file before anything is
 * replaced; a change of the file restarts the unit.
 *
 *     new SystemdUnit(host, 'phi3', {
 *       name: 'citadel-phi3.service',
 *       unit: { Description: 'phi3', After: 'network-online.target', Wants: 'network-online.target' },
 *       service: {
 *         User: 'agent0',
 *         ExecStart: exec(['/opt/citadel/bin/serve', '--port', 11403]),
 *         Restart: 'on-failure',
 *         RestartSec: Duration.seconds(10),
 *         MemoryMax: Size.gibibytes(16),
 *       },
 *       install: { WantedBy: 'citadel-models.target' },
 *       restartOn: [environmentFile],
 *     });
 *
 * Directives have the names and spelling of systemd's manual; an unknown one is a problem with a suggestion.
 */
export class SystemdUnit extends HostItem {
  /** A unit that a Debian package ships: its state, what restarts it, and drop-ins. */
  static fromPackage(scope: Construct, id: string, props: PackageUnitProps): PackageUnit {
    return new PackageUnit(scope, id, props);
  }

  readonly unitName: string;
  /** Path of the unit's file. */
  readonly path: string;
  private readonly changes: UnitTriggers;

  constructor(
    scope: Construct,
    id: string,
    private readonly props: SystemdUnitProps,
  ) {
    super(scope, id);
    refuseUnknown(this, props, NAMES);
    this.unitName = props.name;
    this.path = `/etc/systemd/system/${props.name}`;
    this.changes = new UnitTriggers(props);
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
    const value = {
      content: this.text().text,
      owner: 'root',
      group: 'root',
      mode: '0644',
      validate: 'systemd-unit' as const,
    };
    const file: Contribution = { section: 'files', key: this.path, value };
    // systemd knows only the instances of a template; they are declared by `fromPackage`.
    if (this.unitName.includes('@.')) return [file];
    const unit = this.changes.value([this.path], this.defaults(), this.props);
    return [file, { section: 'units', key: this.unitName, value: unit }];
  }

  protected override problems(): OwnProblem[] {
    return [...sectionProblems(this.unitName, this.props), ...this.text().problems];
  }

  private text() {
    return attempt(() => renderUnitFile(unitFileOf(this.props)));
  }

  private defaults(): Pick<ManifestUnit, 'enabled' | 'state'> {
    const { install, service } = this.props;
    const passes = service?.Type === 'oneshot' && service.RemainAfterExit !== true;
    if (install === undefined) return { enabled: null, state: 'any' };
    return { enabled: true, state: passes ? 'any' : 'running' };
  }
}
