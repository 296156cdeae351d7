import { Construct } from 'constructs';
import { exec } from '../../render/index.js';
import { ManagedBlock } from '../host/block.js';
import { HostFile } from '../host/file.js';
import { Host } from '../host/host.js';
import { refuseUnknown, type Names } from '../host/known-props.js';
import { addRule } from '../host/problems.js';
import { Symlink } from '../host/symlink.js';
import { SystemdUnit } from '../host/unit.js';
import { HOST_NAME, IP_ADDRESS, requireForm } from './forms.js';
import { sharedPackage } from './shared-unit.js';

export interface HostnameProps {
  /** The short name, without a domain. @default - the host's name in the inventory */
  readonly name?: string;
  /** The domain: `example.org`. The full name then resolves on the host itself. @default - none */
  readonly domain?: string;
}

const HOSTNAME: Names<HostnameProps> = { name: true, domain: true };

/**
 * The host's own name: /etc/hostname, the running name, and its line in /etc/hosts (127.0.1.1, as Debian's installer writes it).
 * Where a line for that name stands there already, the C library takes that one: take it out by hand to change the domain.
 */
export class Hostname extends Construct {
  constructor(scope: Construct, id: string, props: HostnameProps = {}) {
    super(scope, id);
    refuseUnknown(this, props, HOSTNAME);
    const { name = Host.of(this).hostName, domain } = props;
    requireForm(this, 'name', name, /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/, 'a short host name', 'Use a-z, 0-9 and "-"; the rest is the domain'); // prettier-ignore
    requireForm(this, 'domain', domain, HOST_NAME, 'a domain', 'Write it as example.org');
    new HostFile(this, 'file', { path: '/etc/hostname', lines: [name] });
    const names = domain === undefined ? name : `${name}.${domain} ${name}`;
    new ManagedBlock(this, 'hosts', { path: '/etc/hosts', name: 'own name', lines: [`127.0.1.1 ${names}`] });
  }
}

export interface HostsEntriesProps {
  /** Address → its names, the first one is what it is called: `{ '10.0.0.5': ['db.example.org', 'db'] }`. */
  readonly entries: Readonly<Record<string, readonly string[]>>;
}

const ENTRIES: Names<HostsEntriesProps> = { entries: true };

/** Lines of /etc/hosts; all others stay as they are. */
export class HostsEntries extends Construct {
  constructor(scope: Construct, id: string, props: HostsEntriesProps) {
    super(scope, id);
    refuseUnknown(this, props, ENTRIES);
    for (const [address, names] of Object.entries(props.entries)) {
      requireForm(
        this,
        'entries',
        address,
        IP_ADDRESS,
        'an IP address',
        'Give the address as key, its names as value',
      );
      for (const name of names) requireForm(this, `entries[${JSON.stringify(address)}]`, name, HOST_NAME, 'a host name', 'Use letters, digits, "-" and "."'); // prettier-ignore
    }
    new ManagedBlock(this, 'block', {
      path: '/etc/hosts',
      name: id,
      lines: Object.entries(props.entries)
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([address, names]) => `${address} ${names.join(' ')}`),
    });
  }
}

export interface TimeZoneProps {
  /** Of the time zone database: `Europe/Berlin`, `Etc/UTC`. */
  readonly zone: string;
}

const ZONE: Names<TimeZoneProps> = { zone: true };

/** The host's time zone. Programs that run read it when they start again, cron included. */
export class TimeZone extends Construct {
  constructor(scope: Construct, id: string, props: TimeZoneProps) {
    super(scope, id);
    refuseUnknown(this, props, ZONE);
    addRule(this, () =>
      isZone(props.zone)
        ? []
        : [
            {
              code: 'construct.value',
              property: 'zone',
              got: `${JSON.stringify(props.zone)} is not a time zone`,
              fix: 'Write it as "timedatectl list-timezones" prints it: Europe/Berlin',
            },
          ],
    );
    sharedPackage(Host.of(this), 'tzdata');
    new Symlink(this, 'link', { path: '/etc/localtime', target: `/usr/share/zoneinfo/${props.zone}` });
    new HostFile(this, 'file', { path: '/etc/timezone', lines: [props.zone] });
  }
}

function isZone(zone: string): boolean {
  if (!/^[A-Za-z]+(?:\/[A-Za-z0-9_+-]+)*$/.test(zone)) return false;
  try {
    return new Intl.DateTimeFormat('en', { timeZone: zone }).format() !== '';
  } catch {
    return false;
  }
}

export interface LocaleProps {
  /** Those that are made: `['en_US.UTF-8', 'de_DE.UTF-8']`. */
  readonly locales: readonly string[];
  /** What programs use by themselves. @default - the first of `locales` */
  readonly default?: string;
}

const LOCALE: Names<LocaleProps> = { locales: true, default: true };

/** The host's locales (package `locales`). Who is logged in sees another default at the next login. */
export class Locale extends Construct {
  constructor(scope: Construct, id: string, props: LocaleProps) {
    super(scope, id);
    refuseUnknown(this, props, LOCALE);
    const { locales, default: standard = locales[0] ?? 'C.UTF-8' } = props;
    for (const name of [...locales, standard]) {
      requireForm(this, 'locales', name, /^(?:C|[a-z]{2,3}_[A-Z]{2})\.UTF-8(?:@[a-z]+)?$/, 'a locale of UTF-8', 'Write it as en_US.UTF-8'); // prettier-ignore
    }
    sharedPackage(Host.of(this), 'locales');
    const made = locales.filter((name) => !name.startsWith('C.'));
    const list = new HostFile(this, 'list', {
      path: '/etc/locale.gen',
      lines: [...new Set(made)].sort().map((name) => `${name} UTF-8`),
    });
    new HostFile(this, 'default', { path: '/etc/default/locale', lines: [`LANG=${standard}`] });
    new SystemdUnit(this, 'make', {
      name: 'citadel-locales.service',
      unit: { Description: 'Make the locales of /etc/locale.gen that are missing' },
      service: {
        Type: 'oneshot',
        RemainAfterExit: true,
        ExecStart: exec(['/usr/sbin/locale-gen', '--keep-existing']),
      },
      install: { WantedBy: 'multi-user.target' },
      restartOn: [list],
    });
  }
}
