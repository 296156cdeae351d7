import { Construct } from 'constructs';
import { HostFile } from '../host/file.js';
import { refuseUnknown, type Names } from '../host/known-props.js';
import { addRule } from '../host/problems.js';
import { requireFileName, requireForm } from './forms.js';

export interface AptPinProps {
  /** File name in /etc/apt/preferences.d. @default - the construct's id */
  readonly name?: string;
  /** Packages by name or pattern: `['nvidia-*']`. */
  readonly packages: readonly string[];
  /** The version that apt takes, with `*`: `'550.*'`. Exactly one of `version`, `release` and `origin`. */
  readonly version?: string;
  /** A release by its marks: `'n=bookworm-backports'`. */
  readonly release?: string;
  /** A host that packages come from: `'packages.example.org'`; `''` for files on the host. */
  readonly origin?: string;
  /** From 1001 also over a newer one that is installed, 500 as any, below 100 only when nothing is installed, -1 never. @default 1001 */
  readonly priority?: number;
}

const NAMES: Names<AptPinProps> = {
  name: true,
  packages: true,
  version: true,
  release: true,
  origin: true,
  priority: true,
};

/**
 * Which version of a package apt takes, for this apply, for whoever upgrades by hand, and for unattended upgrades: a pattern
 * of versions, a release, or never. Source: apt_preferences(5).
 *
 *     new AptPin(host, 'driver', { packages: ['nvidia-*', 'libcuda1'], version: '550.*' });
 *     new AptPin(host, 'no-snap', { packages: ['snapd'], release: 'a=*', priority: -1 });
 */
export class AptPin extends Construct {
  constructor(scope: Construct, id: string, props: AptPinProps) {
    super(scope, id);
    refuseUnknown(this, props, NAMES);
    const { name = id, packages, priority = 1001 } = props;
    requireFileName(this, name);
    for (const each of packages) requireForm(this, 'packages', each, /^[a-z0-9*?][a-z0-9*?+.:-]*$/, 'a package or a pattern', 'Write it as nvidia-*'); // prettier-ignore
    requireForm(this, 'version', props.version, /^[A-Za-z0-9.+:~*-]+$/, 'a version', 'Write it as 550.*');
    requireForm(this, 'release', props.release, /^[a-z]=[^\s,]+(?:,[a-z]=[^\s,]+)*$/, 'the marks of a release', 'Write it as n=bookworm-backports'); // prettier-ignore
    requireForm(
      this,
      'origin',
      props.origin,
      /^[A-Za-z0-9.-]*$/,
      'a host',
      'Write it as packages.example.org',
    );
    requireForm(
      this,
      'priority',
      priority,
      /^(?!0$)-?\d{1,5}$/,
      'a priority',
      'Give a whole number other than 0',
    );
    const kinds = (['version', 'release', 'origin'] as const).filter((kind) => props[kind] !== undefined);
    addRule(this, () => {
      if (packages.length === 0) return [{ code: 'construct.empty', property: 'packages', got: 'there is none', fix: 'Give at least one' }]; // prettier-ignore
      if (kinds.length === 1) return [];
      const got = kinds.length === 0 ? 'nothing says which version' : `${kinds.join(' and ')} are given`;
      return [{ code: 'construct.apt-pin', got, fix: 'Give exactly one of version, release and origin' }];
    });
    const [kind = 'version'] = kinds;
    const value = props[kind] ?? '';
    new HostFile(this, 'file', {
      path: `/etc/apt/preferences.d/${name}`,
      lines: [
        `Package: ${packages.join(' ')}`,
        `Pin: ${kind} ${kind === 'origin' ? `"${value}"` : value}`,
        `Pin-Priority: ${priority}`,
      ],
      // apt ends with an error for a file that it cannot read.
      validate: { command: ['apt-cache', 'policy'] },
    });
  }
}
