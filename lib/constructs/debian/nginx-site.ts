import { Construct } from 'constructs';
import { HostFile } from '../host/file.js';
import { Host } from '../host/host.js';
import { refuseUnknown, type Names } from '../host/known-props.js';
import type { PackageUnit } from '../host/package-unit.js';
import { pathOf, type PathLike } from '../host/ownership.js';
import { addRule } from '../host/problems.js';
import { Symlink } from '../host/symlink.js';
import { HOST_NAME, requireFileName, requireForm } from './forms.js';
import { sharedPackage, sharedUnit } from './shared-unit.js';

export interface NginxSiteProps {
  /** File name in sites-available. @default - the construct's id */
  readonly name?: string;
  /** Names that it answers to; patterns as nginx has them (`*.example.org`). @default ['_'], any name */
  readonly serverNames?: readonly string[];
  /** Port, on every address of both families. @default 80, and 443 with a certificate */
  readonly port?: number;
  /**
   * Whether it answers for names that no other site has: it takes the place of Debian's welcome page
   * (`sites-enabled/default`). One site of a host. @default false
   */
  readonly isDefault?: boolean;
  /** Folder of files that it serves. One of `root`, `proxyTo` and `lines`. */
  readonly root?: string;
  /** Address that requests are passed on to: `http://127.0.0.1:8080`. */
  readonly proxyTo?: string;
  /** TLS: a `Certificate`, or paths on the host. Requests to port 80 are sent there. @default - none */
  readonly certificate?: { readonly certificate: PathLike; readonly key: PathLike };
  /** Further directives of the `server` block, one a line, each with its `;`; or all of its content. @default [] */
  readonly lines?: readonly string[];
}

const NAMES: Names<NginxSiteProps> = {
  name: true,
  serverNames: true,
  port: true,
  isDefault: true,
  root: true,
  proxyTo: true,
  certificate: true,
  lines: true,
};

/**
 * A site of nginx: the package, its file, the link that enables it, and a reload when one of them changes. `nginx -t` reads
 * the whole configuration, with the site in it, before anything is replaced.
 *
 *     const site = new NginxSite(host, 'www', { serverNames: ['www.example.org'], root: '/srv/www', isDefault: true });
 *     site.nginx.listen(80, { from: 'any' });
 */
export class NginxSite extends Construct {
  /** The service of all sites of the host. */
  readonly nginx: PackageUnit;
  readonly file: HostFile;

  constructor(scope: Construct, id: string, props: NginxSiteProps) {
    super(scope, id);
    refuseUnknown(this, props, NAMES);
    const { name = id, serverNames = ['_'], root, proxyTo, lines = [] } = props;
    requireFileName(this, name);
    for (const each of serverNames) {
      requireForm(this, 'serverNames', each.replace(/^\*\.|\.\*$/, ''), new RegExp(`^_$|${HOST_NAME.source}`), 'a name', 'Write it as www.example.org or *.example.org'); // prettier-ignore
    }
    requireForm(
      this,
      'root',
      root,
      WORD,
      'a path without blanks, quotes, ";" and braces',
      'Choose another folder',
    );
    requireForm(this, 'proxyTo', proxyTo, /^(?:https?:\/\/|unix:)[^\s"';{}\\]+$/, 'an address', 'Write it as http://127.0.0.1:8080'); // prettier-ignore
    addRule(this, () => {
      if (root !== undefined && proxyTo !== undefined) return [{ code: 'construct.nginx.both', got: 'root and proxyTo are given', fix: 'Give one, and the other in lines' }]; // prettier-ignore
      if (root === undefined && proxyTo === undefined && lines.length === 0) return [{ code: 'construct.empty', got: 'the site has nothing to answer with', fix: 'Give root, proxyTo or lines' }]; // prettier-ignore
      return [];
    });
    const host = Host.of(this);
    sharedPackage(host, 'nginx');
    this.file = new HostFile(this, 'file', {
      path: `/etc/nginx/sites-available/${name}`,
      lines: siteLines(props, serverNames),
      validate: { command: ['nginx', '-t'] },
    });
    const link = new Symlink(this, 'link', {
      path: `/etc/nginx/sites-enabled/${props.isDefault === true ? 'default' : name}`,
      target: this.file.path,
    });
    this.nginx = sharedUnit(host, { name: 'nginx.service' });
    this.nginx.addReloadOn(this.file, link);
    const { certificate: tls } = props;
    for (const path of tls === undefined ? [] : [tls.certificate, tls.key]) {
      // A path that this host declares; what certbot writes reloads nginx by its own hook.
      if (typeof path !== 'string') this.nginx.addReloadOn(path);
    }
  }
}

const WORD = /^\/[^\s"';{}\\$]*$/;

function siteLines(props: NginxSiteProps, serverNames: readonly string[]): string[] {
  const { certificate, root, proxyTo, lines = [], isDefault = false } = props;
  const port = props.port ?? (certificate === undefined ? 80 : 443);
  const marks = [...(certificate === undefined ? [] : ['ssl']), ...(isDefault ? ['default_server'] : [])];
  const listen = (number: number, words: readonly string[]): string[] =>
    [`${number}`, `[::]:${number}`].map((address) => `listen ${[address, ...words].join(' ')};`);
  const server = (content: readonly string[]): string[] => [
    'server {',
    ...content.map((line) => `    ${line}`),
    '}',
  ];
  const names = `server_name ${serverNames.join(' ')};`;
  return [
    ...server([
      ...listen(port, marks),
      names,
      ...(certificate === undefined
        ? []
        : [
            `ssl_certificate ${pathOf(certificate.certificate)};`,
            `ssl_certificate_key ${pathOf(certificate.key)};`,
          ]),
      ...(root === undefined ? [] : [`root ${root};`]),
      ...(proxyTo === undefined ? [] : ['location / {', ...PROXY, `    proxy_pass ${proxyTo};`, '}']),
      ...lines,
    ]),
    ...(certificate === undefined
      ? []
      : server([
          ...listen(80, isDefault ? ['default_server'] : []),
          names,
          'return 301 https://$host$request_uri;',
        ])),
  ];
}

const PROXY = [
  '    proxy_set_header Host $host;',
  '    proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;',
  '    proxy_set_header X-Forwarded-Proto $scheme;',
];
