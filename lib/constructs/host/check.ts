import type { Construct } from 'constructs';
import type { ManifestCheck } from '../../manifest/index.js';
import { Duration } from '../units.js';
import type { Contribution } from './contribution.js';
import { HostItem } from './item.js';
import { refuseUnknown, unknownProps, type Names } from './known-props.js';
import type { OwnProblem } from './problems.js';

export interface HealthCheckProps {
  /** Letters, digits, `.`, `_` and `-`. @default - the construct's id */
  readonly name?: string;
  /**
   * What must hold on the host itself once its units are up. Exactly one kind:
   * a unit is active; a URL answers with a status (default 200); a TCP port accepts; a command ends with exit status 0.
   */
  readonly probe:
    | { readonly unit: string | { readonly unitName: string } }
    | { readonly http: string; readonly status?: number }
    | { readonly tcp: { readonly host?: string; readonly port: number } }
    | { readonly command: readonly string[] };
  /** How long the check is tried before the apply has failed and is undone. @default Duration.seconds(30) */
  readonly timeout?: Duration;
  /** The check runs after the units of this wave, before those of the next. @default 0 */
  readonly wave?: number;
}

const NAMES: Names<HealthCheckProps> = { name: true, probe: true, timeout: true, wave: true };
const KINDS = {
  unit: { unit: true },
  http: { http: true, status: true },
  tcp: { tcp: true },
  command: { command: true },
} as const;

/** A gate: an apply whose checks do not pass is rolled back by the host. */
export class HealthCheck extends HostItem {
  readonly checkName: string;

  constructor(
    scope: Construct,
    id: string,
    private readonly props: HealthCheckProps,
  ) {
    super(scope, id);
    refuseUnknown(this, props, NAMES);
    this.checkName = props.name ?? id;
  }

  override contributions(): Contribution[] {
    if (this.kinds().length !== 1) return [];
    return [{ section: 'checks', key: this.checkName, value: this.check() }];
  }

  protected override problems(): OwnProblem[] {
    const { probe } = this.props;
    const kinds = this.kinds();
    const [kind] = kinds;
    if (kind === undefined || kinds.length > 1) {
      return [
        {
          code: 'construct.check.probe',
          property: 'probe',
          got: kind === undefined ? 'says not what to ask' : `has ${kinds.join(' and ')}`,
          fix: `Give exactly one of ${Object.keys(KINDS).join(', ')}`,
        },
      ];
    }
    const inner = 'tcp' in probe ? unknownProps(probe.tcp, { host: true, port: true }, 'probe.tcp') : [];
    return [...unknownProps<object>(probe, KINDS[kind], 'probe'), ...inner];
  }

  private kinds(): (keyof typeof KINDS)[] {
    return (Object.keys(KINDS) as (keyof typeof KINDS)[]).filter((kind) => kind in this.props.probe);
  }

  private check(): ManifestCheck {
    const { probe, timeout = Duration.seconds(30), wave = 0 } = this.props;
    const base = { timeoutSec: timeout.toSeconds(), wave };
    if ('unit' in probe) {
      return {
        kind: 'unit',
        unit: typeof probe.unit === 'string' ? probe.unit : probe.unit.unitName,
        ...base,
      };
    }
    if ('http' in probe) return { kind: 'http', url: probe.http, status: probe.status ?? 200, ...base };
    if ('tcp' in probe)
      return { kind: 'tcp', host: probe.tcp.host ?? '127.0.0.1', port: probe.tcp.port, ...base };
    return { kind: 'command', command: [...probe.command], ...base };
  }
}
