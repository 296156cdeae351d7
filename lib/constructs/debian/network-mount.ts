import { Construct } from 'constructs';
import type { SecretRef } from '../secret.js';
import { HostFile } from '../host/file.js';
import { Host } from '../host/host.js';
import { refuseUnknown, unknownProps, type Names } from '../host/known-props.js';
import { Mount } from '../host/mount.js';
import { addRule } from '../host/problems.js';
import { HOST_NAME, IP_ADDRESS, requireFileName, requireForm } from './forms.js';
import { sharedPackage } from './shared-unit.js';

export interface NetworkMountProps {
  /** Names the file of the credentials. @default - the construct's id */
  readonly name?: string;
  /** Absolute path of a directory. */
  readonly mountPoint: string;
  /** Who has it: a name or an address. */
  readonly server: string;
  /** NFS: the exported path (`/srv/data`). SMB: the share, with a path in it if any (`Big Volume/team`); blanks are fine. */
  readonly share: string;
  readonly type: 'nfs' | 'smb';
  /** Who logs in, for SMB. @default - a guest */
  readonly credentials?: { readonly user: string; readonly password: SecretRef; readonly domain?: string };
  /** Further options of mount.nfs or mount.cifs, one per entry. @default [] */
  readonly options?: readonly string[];
  /** `mounted`: now and at boot; `demand`: when something looks at it, so that a server that is away stops nothing. @default 'mounted' */
  readonly when?: 'mounted' | 'demand';
}

const NAMES: Names<NetworkMountProps> = {
  name: true,
  mountPoint: true,
  server: true,
  share: true,
  type: true,
  credentials: true,
  options: true,
  when: true,
};

/**
 * A directory of another machine, by NFS or SMB: the package with its helper, the mount, and the credentials in a file that root
 * alone reads. A boot does not wait for the server (`nofail`).
 *
 *     new NetworkMount(host, 'team', {
 *       mountPoint: '/srv/team',
 *       server: 'nas.example.org',
 *       share: 'Big Volume',
 *       type: 'smb',
 *       credentials: { user: 'backup', password: secret('nas_password') },
 *     });
 */
export class NetworkMount extends Construct {
  readonly mount: Mount;

  constructor(scope: Construct, id: string, props: NetworkMountProps) {
    super(scope, id);
    refuseUnknown(this, props, NAMES);
    const { name = id, mountPoint, server, share, type, credentials, options = [], when = 'mounted' } = props;
    requireFileName(this, name);
    requireForm(this, 'server', server, new RegExp(`${IP_ADDRESS.source}|${HOST_NAME.source}`), 'a name or address', 'Write it as nas.example.org'); // prettier-ignore
    requireForm(this, 'share', share, type === 'nfs' ? /^\/.*$/ : /^[^/\\].*$/, type === 'nfs' ? 'an exported path' : 'a share', type === 'nfs' ? 'Write it as /srv/data' : 'Write it without slashes at its beginning'); // prettier-ignore
    requireForm(
      this,
      'credentials.user',
      credentials?.user,
      /^[^\s=%/\\]+$/,
      'a user',
      'Give the domain apart',
    );
    requireForm(
      this,
      'credentials.domain',
      credentials?.domain,
      /^[^\s=]+$/,
      'a domain',
      'Write it as EXAMPLE',
    );
    addRule(this, () => [
      ...(credentials === undefined
        ? []
        : unknownProps(credentials, { user: true, password: true, domain: true }, 'credentials')),
      ...(credentials !== undefined && type === 'nfs'
        ? [{ code: 'construct.value', property: 'credentials', got: 'NFS has none', fix: 'Take them out' }]
        : []),
    ]);
    sharedPackage(Host.of(this), type === 'nfs' ? 'nfs-common' : 'cifs-utils');
    const login =
      credentials === undefined
        ? undefined
        : new HostFile(this, 'credentials', {
            path: `/etc/citadel-mounts/${name}`,
            lines: [
              `username=${credentials.user}`,
              `password=${credentials.password.toString()}`,
              ...(credentials.domain === undefined ? [] : [`domain=${credentials.domain}`]),
            ],
          });
    const guest = type === 'smb' && login === undefined ? ['guest'] : [];
    this.mount = new Mount(this, 'mount', {
      mountPoint,
      source: { name: type === 'nfs' ? `${bracketed(server)}:${share}` : `//${server}/${share}` },
      type: type === 'nfs' ? 'nfs' : 'cifs',
      options: [
        ...(login === undefined ? guest : [`credentials=${login.path}`]),
        '_netdev',
        ...(when === 'demand' ? ['noauto', 'x-systemd.automount'] : []),
        ...options,
      ],
      state: when === 'demand' ? 'present' : 'mounted',
    });
  }
}

/** nfs(5): an IPv6 address stands in brackets. */
function bracketed(server: string): string {
  return server.includes(':') ? `[${server}]` : server;
}
