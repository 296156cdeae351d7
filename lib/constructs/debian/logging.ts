import { Construct } from 'constructs';
import { HostFile } from '../host/file.js';
import { Host } from '../host/host.js';
import { refuseUnknown, type Names } from '../host/known-props.js';
import { addRule } from '../host/problems.js';
import type { Duration, Size } from '../units.js';
import { requireFileName } from './forms.js';
import { sharedUnit } from './shared-unit.js';

export interface JournaldProps {
  /** File name in /etc/systemd/journald.conf.d, without `.conf`. @default - the construct's id */
  readonly name?: string;
  /** `persistent`: on disk, made if missing; `volatile`: in memory, gone at a boot. @default - as the host has it */
  readonly storage?: 'persistent' | 'volatile' | 'auto' | 'none';
  /** How much of the disk it may use. @default - 10 % of its file system, at most 4 GiB */
  readonly maxUse?: Size;
  /** How much of the disk it leaves free. @default - 15 % */
  readonly keepFree?: Size;
  /** Older entries go. @default - none */
  readonly maxAge?: Duration;
  /** Messages of one service in `interval` beyond which it drops them; 0 for no limit. @default - 10000 in 30 s */
  readonly rateLimit?: { readonly burst: number; readonly interval: Duration };
  /** To the classic syslog daemon. @default - as the host has it */
  readonly forwardToSyslog?: boolean;
}

const NAMES: Names<JournaldProps> = {
  name: true,
  storage: true,
  maxUse: true,
  keepFree: true,
  maxAge: true,
  rateLimit: true,
  forwardToSyslog: true,
};

/**
 * Limits of the journal, and where it goes.
 *
 *     new Journald(host, 'limits', { storage: 'persistent', maxUse: Size.gibibytes(2), maxAge: Duration.days(30) });
 */
export class Journald extends Construct {
  constructor(scope: Construct, id: string, props: JournaldProps) {
    super(scope, id);
    refuseUnknown(this, props, NAMES);
    const { name = id, storage, maxUse, keepFree, maxAge, rateLimit, forwardToSyslog } = props;
    requireFileName(this, name);
    const settings: readonly (readonly [string, string | number | undefined])[] = [
      ['Storage', storage],
      ['SystemMaxUse', maxUse?.toString()],
      ['SystemKeepFree', keepFree?.toString()],
      ['MaxRetentionSec', maxAge?.toString()],
      ['RateLimitIntervalSec', rateLimit?.interval.toString()],
      ['RateLimitBurst', rateLimit?.burst],
      ['ForwardToSyslog', forwardToSyslog === undefined ? undefined : forwardToSyslog ? 'yes' : 'no'],
    ];
    const lines = settings.flatMap(([key, value]) => (value === undefined ? [] : [`${key}=${value}`]));
    addRule(this, () =>
      lines.length > 0
        ? []
        : [{ code: 'construct.empty', got: 'nothing is set', fix: 'Give at least one limit' }],
    );
    const file = new HostFile(this, 'file', {
      path: `/etc/systemd/journald.conf.d/${name}.conf`,
      lines: ['[Journal]', ...lines],
    });
    sharedUnit(Host.of(this), { name: 'systemd-journald.service', enabled: null }).addRestartOn(file);
  }
}
