import { Construct } from 'constructs';
import { renderYaml } from '../../render/index.js';
import { Host, HostFile } from '../../constructs/host/index.js';
import { pathOf, type PathLike } from '../../constructs/host/ownership.js';
import type { SecretRef } from '../../constructs/secret.js';

/** How a daemon of the Prometheus family protects its web interface and API. */
export interface WebConfigProps {
  /** Certificate and key on the host, readable by the daemon's account. @default - plain HTTP */
  readonly tls?: {
    readonly certificate: PathLike;
    readonly key: PathLike;
    /** What its own clients on this host verify it with. @default - the host's certificate authorities */
    readonly ca?: PathLike;
  };
  /** One account for everybody who asks. @default - no account is asked for */
  readonly basicAuth?: {
    readonly username: string;
    readonly password: SecretRef;
    /** bcrypt hash of the same password, as `htpasswd -nBC 10 ""` makes it. */
    readonly passwordHash: SecretRef;
  };
}

export interface WebConfigFilesProps extends WebConfigProps {
  /** Names the files: `/etc/prometheus/web-<name>.yml`. */
  readonly name: string;
  readonly port: number;
}

/**
 * The exporter-toolkit's web configuration of one daemon, and what its clients on the same host need to get through.
 * The daemon reads the file at every request, so a change needs no reload.
 * Source: https://prometheus.io/docs/prometheus/latest/configuration/https/
 */
export class WebConfig extends Construct {
  /** Arguments of the daemon: none without TLS and accounts. */
  readonly arguments: readonly string[];
  /** Members of a `scrape_configs` or `alertmanagers` entry that a client needs. */
  readonly client: ClientConfig;
  /** Options of the host's check programs: `['--user', 'ann', '--password-file', …]`. */
  readonly checkOptions: readonly string[];
  /** `https://127.0.0.1:9090` */
  readonly localUrl: string;
  /** False when a plain HTTP health check gets through. */
  readonly isProtected: boolean;

  constructor(scope: Construct, id: string, props: WebConfigFilesProps) {
    super(scope, id);
    const { name, tls, basicAuth, port } = props;
    this.isProtected = tls !== undefined || basicAuth !== undefined;
    this.localUrl = `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`;
    const ca = tls?.ca === undefined ? undefined : pathOf(tls.ca);
    const group = { owner: 'root', group: 'prometheus', mode: '0640' };
    // Made by the install script of the daemons' packages.
    if (this.isProtected) Host.of(this).addAssumedGroup('prometheus');
    const path = `/etc/prometheus/web-${name}.yml`;
    this.arguments = this.isProtected ? [`--web.config.file=${path}`] : [];
    if (this.isProtected) {
      new HostFile(this, 'file', {
        path,
        ...group,
        content: renderYaml({
          ...(tls !== undefined && {
            tls_server_config: { cert_file: pathOf(tls.certificate), key_file: pathOf(tls.key) },
          }),
          ...(basicAuth !== undefined && {
            basic_auth_users: { [basicAuth.username]: basicAuth.passwordHash.toString() },
          }),
        }),
      });
    }
    const passwordFile = `/etc/prometheus/web-${name}.password`;
    if (basicAuth !== undefined) {
      new HostFile(this, 'password', { path: passwordFile, ...group, secret: basicAuth.password });
    }
    this.client = {
      ...(tls !== undefined && { scheme: 'https' as const }),
      ...(ca !== undefined && { tls_config: { ca_file: ca } }),
      ...(basicAuth !== undefined && {
        basic_auth: { username: basicAuth.username, password_file: passwordFile },
      }),
    };
    this.checkOptions = [
      ...(ca === undefined ? [] : ['--cacert', ca]),
      ...(basicAuth === undefined ? [] : ['--user', basicAuth.username, '--password-file', passwordFile]),
    ];
  }
}

/** Members of Prometheus's HTTP client configuration. */
export interface ClientConfig {
  readonly scheme?: 'https';
  readonly tls_config?: { readonly ca_file: string };
  readonly basic_auth?: { readonly username: string; readonly password_file: string };
  readonly authorization?: { readonly type: 'Bearer'; readonly credentials_file: string };
}
