import { Construct } from 'constructs';
import { HostFile } from '../host/file.js';
import { Host } from '../host/host.js';
import { refuseUnknown, type Names } from '../host/known-props.js';
import { addRule, type OwnProblem } from '../host/problems.js';
import type { UnitSections } from '../host/unit-sections.js';
import type { SecretRef } from '../secret.js';
import { Certificate } from './certificate.js';
import { sharedPackage, sharedUnit } from './shared-unit.js';

export interface JournalUploadProps {
  /** `https://HOST`, `http://HOST` or with a port. @default - port 19532 */
  readonly url: string;
  /** Certificate of the authority that the receiver's is judged by, as PEM, or a secret. @default - those that Debian trusts */
  readonly authority?: string | SecretRef;
  /** Who this host is to the receiver; with https, systemd-journal-upload always shows one. @default - over http, none */
  readonly certificate?: { readonly certificate: string | SecretRef; readonly key: SecretRef };
}

const NAMES: Names<JournalUploadProps> = { url: true, authority: true, certificate: true };
const URL_FORM = /^https?:\/\/(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:]+\])(?::\d{1,5})?$/;
const UNIT = 'systemd-journal-upload.service';
const AUTHORITY = '/etc/ssl/citadel/journal-upload-authority.pem';

/**
 * Sends all that the host logs to another machine, by systemd-journal-upload: `systemd-journal-remote` there, or what speaks
 * its protocol, keeps it. What could not be sent is sent later, from the journal, as far back as that goes.
 *
 *     new JournalUpload(host, 'logs', { url: 'https://logs.example.org', certificate: { certificate: pem, key: secret('logs_key') } });
 */
export class JournalUpload extends Construct {
  constructor(scope: Construct, id: string, props: JournalUploadProps) {
    super(scope, id);
    refuseUnknown(this, props, NAMES);
    const { url, authority, certificate } = props;
    const host = Host.of(this);
    addRule(this, () => problemsOf(props));
    sharedPackage(host, 'systemd-journal-remote');
    const trusted =
      authority === undefined
        ? undefined
        : new HostFile(this, 'authority', {
            path: AUTHORITY,
            ...(typeof authority === 'string' ? { content: authority } : { secret: authority }),
          });
    const own =
      certificate === undefined
        ? undefined
        : new Certificate(this, 'certificate', { name: 'journal-upload', ...certificate });
    const tls: readonly (readonly [setting: string, name: string, file: HostFile | undefined])[] = [
      ['TrustedCertificateFile', 'authority', trusted],
      ['ServerCertificateFile', 'certificate', own?.certificate],
      ['ServerKeyFile', 'key', own?.key],
    ];
    const given = tls.flatMap(([setting, name, file]) =>
      file === undefined ? [] : [{ setting, name, file }],
    );
    const settings = new HostFile(this, 'settings', {
      path: '/etc/systemd/journal-upload.conf.d/citadel.conf',
      lines: [
        '[Upload]',
        `URL=${url}`,
        ...given.map(({ setting, name }) => `${setting}=/run/credentials/${UNIT}/${name}`),
        ...(url.startsWith('https:') && trusted === undefined
          ? ['TrustedCertificateFile=/etc/ssl/certs/ca-certificates.crt']
          : []),
      ],
    });
    if (url.startsWith('https:') && trusted === undefined) sharedPackage(host, 'ca-certificates');
    const unit = sharedUnit(host, { name: UNIT, enabled: true, state: 'running' });
    unit.addDropIn('citadel', dropIn(given.map(({ name, file }) => `${name}:${file.path}`)));
    for (const file of [settings, ...given.map((each) => each.file)]) unit.addRestartOn(file);
  }
}

function problemsOf({ url, certificate }: JournalUploadProps): OwnProblem[] {
  const code = 'construct.journal-upload';
  if (!URL_FORM.test(url)) {
    return [
      {
        code,
        property: 'url',
        got: `${JSON.stringify(url)} is not the address of a receiver`,
        fix: 'Write https://HOST or https://HOST:PORT; its path is always /upload',
      },
    ];
  }
  if (!url.startsWith('https:') || certificate !== undefined) return [];
  return [
    {
      code,
      property: 'certificate',
      got: 'systemd-journal-upload does not speak https without a certificate of its own',
      fix: 'Give certificate and key',
    },
  ];
}

/** Its account is made when it starts, so that root reads the key for it. It tries again for as long as the receiver is away. */
function dropIn(credentials: readonly string[]): UnitSections {
  return {
    unit: { StartLimitIntervalSec: 0 },
    service: {
      Restart: 'on-failure',
      RestartSec: '30s',
      ...(credentials.length === 0 ? {} : { LoadCredential: credentials }),
    },
  };
}
