import { Construct } from 'constructs';
import { HostFile } from '../host/file.js';
import { Host } from '../host/host.js';
import { refuseUnknown, type Names } from '../host/known-props.js';
import { AptPackage } from '../host/package.js';
import { addRule } from '../host/problems.js';
import { Symlink } from '../host/symlink.js';
import { HOST_NAME, IP_ADDRESS, requireForm } from './forms.js';
import { sharedPackage, sharedUnit } from './shared-unit.js';

export interface ResolverProps {
  /** Addresses of the name servers, asked in this order. */
  readonly servers: readonly string[];
  /** Domains that are tried for short names. @default [] */
  readonly search?: readonly string[];
  /** `file`: /etc/resolv.conf itself; `resolved`: systemd-resolved with its cache (package and service). @default 'file' */
  readonly by?: 'file' | 'resolved';
  /** Options of resolv.conf(5): `['timeout:2', 'rotate']`; with `file` only. @default [] */
  readonly options?: readonly string[];
}

const RESOLVER: Names<ResolverProps> = { servers: true, search: true, by: true, options: true };

/** Who tells the host the addresses of names. A DHCP client that writes resolv.conf itself must be told not to. */
export class Resolver extends Construct {
  constructor(scope: Construct, id: string, props: ResolverProps) {
    super(scope, id);
    refuseUnknown(this, props, RESOLVER);
    const { servers, search = [], by = 'file', options = [] } = props;
    for (const server of servers) requireForm(this, 'servers', server, IP_ADDRESS, 'an IP address', 'Give addresses, not names'); // prettier-ignore
    for (const domain of search)
      requireForm(this, 'search', domain, HOST_NAME, 'a domain', 'Write it as example.org');
    for (const option of options) requireForm(this, 'options', option, /^[a-z0-9-]+(?::\d+)?$/, 'an option of resolv.conf', 'Write it as timeout:2'); // prettier-ignore
    addRule(this, () => {
      if (servers.length === 0) return [{ code: 'construct.empty', property: 'servers', got: 'there is none', fix: 'Give at least one' }]; // prettier-ignore
      if (by === 'resolved' && options.length > 0) return [{ code: 'construct.value', property: 'options', got: 'systemd-resolved reads none of them', fix: 'Take them out, or say by: "file"' }]; // prettier-ignore
      if (by === 'file' && servers.length > 3) return [{ code: 'construct.value', property: 'servers', got: `resolv.conf has ${servers.length}, and the C library asks the first three`, fix: 'Give three at most, or say by: "resolved"' }]; // prettier-ignore
      return [];
    });
    if (by === 'file') {
      new HostFile(this, 'file', {
        path: '/etc/resolv.conf',
        lines: [
          ...servers.map((server) => `nameserver ${server}`),
          ...(search.length === 0 ? [] : [`search ${search.join(' ')}`]),
          ...(options.length === 0 ? [] : [`options ${options.join(' ')}`]),
        ],
      });
      return;
    }
    const host = Host.of(this);
    sharedPackage(host, 'systemd-resolved');
    const file = new HostFile(this, 'file', {
      path: `/etc/systemd/resolved.conf.d/${id}.conf`,
      lines: [
        '[Resolve]',
        `DNS=${servers.join(' ')}`,
        ...(search.length === 0 ? [] : [`Domains=${search.join(' ')}`]),
      ],
    });
    new Symlink(this, 'link', { path: '/etc/resolv.conf', target: '/run/systemd/resolve/stub-resolv.conf' });
    sharedUnit(host, { name: 'systemd-resolved.service' }).addRestartOn(file);
  }
}

export interface TimeSyncProps {
  /** The program; the other one is taken off the host. @default 'chrony' */
  readonly by?: 'chrony' | 'timesyncd';
  /** Names or addresses of time servers. */
  readonly servers: readonly string[];
}

const TIME: Names<TimeSyncProps> = { by: true, servers: true };

/**
 * The host's clock. Debian has systemd-timesyncd by itself, and chrony cannot be installed next to it: one replaces the other
 * in the same apply.
 *
 *     new TimeSync(host, 'time', { servers: ['0.debian.pool.ntp.org', '1.debian.pool.ntp.org'] });
 */
export class TimeSync extends Construct {
  constructor(scope: Construct, id: string, props: TimeSyncProps) {
    super(scope, id);
    refuseUnknown(this, props, TIME);
    const { by = 'chrony', servers } = props;
    for (const server of servers) {
      requireForm(this, 'servers', server, IP_ADDRESS.test(server) ? IP_ADDRESS : HOST_NAME, 'a name or address', 'Write it as ntp.example.org'); // prettier-ignore
    }
    addRule(this, () =>
      servers.length > 0
        ? []
        : [{ code: 'construct.empty', property: 'servers', got: 'there is none', fix: 'Give at least one' }],
    );
    const host = Host.of(this);
    const [here, gone] = by === 'chrony' ? ['chrony', 'systemd-timesyncd'] : ['systemd-timesyncd', 'chrony'];
    sharedPackage(host, here);
    new AptPackage(this, 'replaced', { name: gone, state: 'absent' });
    if (by === 'timesyncd') {
      const file = new HostFile(this, 'file', {
        path: `/etc/systemd/timesyncd.conf.d/${id}.conf`,
        lines: ['[Time]', `NTP=${servers.join(' ')}`],
      });
      sharedUnit(host, { name: 'systemd-timesyncd.service' }).addRestartOn(file);
      return;
    }
    const file = new HostFile(this, 'file', {
      path: '/etc/chrony/chrony.conf',
      lines: [
        ...servers.map((server) => `server ${server} iburst`),
        // What Debian's own file says of the rest.
        'confdir /etc/chrony/conf.d',
        'sourcedir /etc/chrony/sources.d',
        'keyfile /etc/chrony/chrony.keys',
        'driftfile /var/lib/chrony/chrony.drift',
        'ntsdumpdir /var/lib/chrony',
        'logdir /var/log/chrony',
        'maxupdateskew 100.0',
        'rtcsync',
        'makestep 1 3',
        'leapsectz right/UTC',
      ],
      validate: { command: ['chronyd', '-p', '-f', '%s'] },
    });
    sharedUnit(host, { name: 'chrony.service' }).addRestartOn(file);
  }
}
