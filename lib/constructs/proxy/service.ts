import type { Construct } from 'constructs';
import { exec, variable } from '../../render/index.js';
import {
  AptPackage,
  Directory,
  HostFile,
  Port,
  SystemdUnit,
  UserAccount,
  type PortReach,
} from '../host/index.js';
import type { SecretRef } from '../secret.js';
import { Duration } from '../units.js';
import { PROXY_CONNECTIONS } from './configuration.js';
import { PROXY_HARDENING } from './hardening.js';

export interface ProxyServiceProps {
  /** Name of unit (without `.service`), account and folder in `/run`. */
  readonly name: string;
  readonly description: string;
  /** Folder of the configuration and of the keys: root's, and read by the proxy's account. */
  readonly directory: string;
  readonly configuration: () => string;
  /** Files below `directory`, by their paths there, each wholly a secret. */
  readonly secrets: Readonly<Record<string, SecretRef>>;
  /** Maps below `directory`: lines that may hold references to secrets. @default {} */
  readonly maps?: Readonly<Record<string, { readonly id: string; readonly lines: readonly string[] }>>;
  readonly metrics: { readonly port: number; readonly reach: PortReach };
  /** Target that it is started and stopped with. @default 'multi-user.target' */
  readonly partOf?: string;
  readonly wave: number;
}

const PROGRAM = '/usr/sbin/haproxy';

/**
 * Debian's HAProxy as a unit of its own, below `scope`; Debian's `haproxy.service` is stopped. Keys, paths and certificate are
 * read again by a reload, which breaks no request.
 */
export function addProxyService(scope: Construct, props: ProxyServiceProps): SystemdUnit {
  const { name, directory, partOf, wave } = props;
  const configuration = `${directory}/haproxy.cfg`;
  new AptPackage(scope, 'package', { name: 'haproxy' });
  // What the package starts has nothing to do here.
  SystemdUnit.fromPackage(scope, 'package-unit', {
    name: 'haproxy.service',
    enabled: false,
    state: 'stopped',
  });
  new UserAccount(scope, 'account', { name, system: true });
  const files = addFiles(scope, props);
  const unit = new SystemdUnit(scope, 'unit', {
    name: `${name}.service`,
    unit: {
      Description: props.description,
      After: 'network-online.target',
      Wants: 'network-online.target',
      ...(partOf === undefined ? {} : { PartOf: partOf }),
      // The address may come up after it; nothing else opens the ports.
      StartLimitIntervalSec: 0,
    },
    service: {
      ...PROXY_HARDENING,
      // Debian's HAProxy compiles its regular expressions to machine code, and does not start where it may not.
      MemoryDenyWriteExecute: false,
      Type: 'notify',
      User: name,
      ExecStart: exec([PROGRAM, '-Ws', '-f', configuration]),
      ExecReload: [
        exec([PROGRAM, '-c', '-q', '-f', configuration]),
        exec(['/bin/kill', '-USR2', variable('MAINPID')]),
      ],
      KillMode: 'mixed',
      SuccessExitStatus: 143,
      Restart: 'always',
      RestartSec: Duration.seconds(1),
      TimeoutStopSec: Duration.seconds(15),
      RuntimeDirectory: name,
      RuntimeDirectoryMode: '0700',
      LimitNOFILE: 2 * PROXY_CONNECTIONS + 384,
    },
    install: { WantedBy: partOf ?? 'multi-user.target' },
    reloadOn: files,
    wave,
  });
  new Port(scope, 'port-metrics', {
    number: props.metrics.port,
    listener: unit,
    reach: props.metrics.reach,
  });
  return unit;
}

function addFiles(scope: Construct, props: ProxyServiceProps): HostFile[] {
  const { name: group, directory, secrets, maps = {} } = props;
  const own = { group, mode: '0640' };
  new Directory(scope, 'directory', { path: directory, group, mode: '0750' });
  const folders = Object.keys(secrets).flatMap((path) =>
    path.includes('/') ? [path.replace(/\/.*/, '')] : [],
  );
  for (const folder of new Set(folders)) {
    new Directory(scope, `directory-${folder}`, { path: `${directory}/${folder}`, group, mode: '0750' });
  }
  return [
    new HostFile(scope, 'configuration', {
      path: `${directory}/haproxy.cfg`,
      ...own,
      content: props.configuration,
      validate: { command: [PROGRAM, '-c', '-q', '-f', '%s'] },
    }),
    ...Object.entries(secrets).map(
      ([path, secret]) =>
        new HostFile(scope, `file-${path.replaceAll('/', '-')}`, {
          path: `${directory}/${path}`,
          ...own,
          secret,
        }),
    ),
    ...Object.entries(maps).map(
      ([path, { id, lines }]) => new HostFile(scope, id, { path: `${directory}/${path}`, ...own, lines }),
    ),
  ];
}
