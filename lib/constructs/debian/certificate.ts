import { X509Certificate } from 'node:crypto';
import { Construct } from 'constructs';
import { HostFile } from '../host/file.js';
import { Host } from '../host/host.js';
import { refuseUnknown, type Names } from '../host/known-props.js';
import { addRule, type OwnProblem } from '../host/problems.js';
import { secretsIn, type SecretRef } from '../secret.js';
import { requireFileName } from './forms.js';
import { sharedPackage } from './shared-unit.js';

export interface CertificateProps {
  /** Its folder below /etc/ssl/citadel. @default - the construct's id */
  readonly name?: string;
  /** The certificate, and after it those that lead to its authority, as PEM: `readFileSync('www.pem', 'utf8')`, or a secret. */
  readonly certificate: string | SecretRef;
  /** Its private key as PEM, without a passphrase. */
  readonly key: SecretRef;
  /** Group that may read the key, for a program that does not read it as root: `ssl-cert`. @default - root alone */
  readonly group?: string;
}

const NAMES: Names<CertificateProps> = { name: true, certificate: true, key: true, group: true };

/**
 * A TLS certificate and its key: `/etc/ssl/citadel/<name>/fullchain.pem` and `privkey.pem`. OpenSSL of the host reads both before
 * anything is replaced: a certificate that has expired, and a key that belongs to another one, are refused.
 *
 *     const tls = new Certificate(host, 'www', { certificate: readFileSync('www.pem', 'utf8'), key: secret('www_key') });
 *     new NginxSite(host, 'site', { root: '/srv/www', certificate: tls });
 *     SystemdUnit.fromPackage(host, 'mail', { name: 'dovecot.service', reloadOn: tls.files });
 */
export class Certificate extends Construct {
  readonly certificate: HostFile;
  readonly key: HostFile;

  constructor(scope: Construct, id: string, props: CertificateProps) {
    super(scope, id);
    refuseUnknown(this, props, NAMES);
    const { name = id, certificate, key, group } = props;
    requireFileName(this, name);
    if (typeof certificate === 'string') addRule(this, () => pemProblems(certificate));
    sharedPackage(Host.of(this), 'openssl');
    const readers = group === undefined ? {} : { group, mode: '0640' };
    const folder = `/etc/ssl/citadel/${name}`;
    this.certificate = new HostFile(this, 'certificate', {
      path: `${folder}/fullchain.pem`,
      // What is kept as a secret is for those alone who may read the key.
      ...(typeof certificate === 'string' ? { content: certificate } : { secret: certificate, ...readers }),
      validate: { command: ['/bin/sh', '-c', NOT_EXPIRED, 'certificate', '%s'] },
    });
    this.key = new HostFile(this, 'key', {
      path: `${folder}/privkey.pem`,
      secret: key,
      ...readers,
      validate: { command: ['/bin/sh', '-c', SAME_KEY, 'key', this.certificate.path, '%s'] },
    });
  }

  /** Both, for `restartOn` and `reloadOn` of what reads them. */
  get files(): readonly HostFile[] {
    return [this.certificate, this.key];
  }
}

const NOT_EXPIRED =
  'openssl x509 -in "$1" -noout -checkend 0 >/dev/null && exit; openssl x509 -in "$1" -noout -enddate && echo "the certificate has expired"; exit 1';
const SAME_KEY =
  'of=$(openssl x509 -in "$1" -noout -pubkey) && own=$(openssl pkey -in "$2" -passin pass: -pubout) || exit; [ "$of" = "$own" ] || { echo "the key belongs to another certificate"; exit 1; }';

const BLOCK = /-----BEGIN CERTIFICATE-----\n[A-Za-z0-9+/=\n]+-----END CERTIFICATE-----/g;

function pemProblems(text: string): OwnProblem[] {
  // A reference to a secret is judged on the host.
  if (secretsIn(text).length > 0) return [];
  const problem = (got: string, fix: string): OwnProblem[] => [
    { code: 'construct.certificate', property: 'certificate', got, fix },
  ];
  if (text.includes('PRIVATE KEY')) {
    return problem('there is a private key in it, and it is no secret', 'Give the key as key: secret(…)');
  }
  const blocks = text.replaceAll('\r\n', '\n').match(BLOCK) ?? [];
  if (blocks.length === 0) {
    return problem('it has no certificate in PEM', 'Give the text from -----BEGIN CERTIFICATE----- on');
  }
  const broken = blocks.findIndex((block) => !isCertificate(block));
  if (broken === -1) return [];
  return problem(`certificate ${String(broken + 1)} of it cannot be read`, 'Copy the file again, as a whole');
}

function isCertificate(block: string): boolean {
  try {
    new X509Certificate(block);
    return true;
  } catch {
    return false;
  }
}
