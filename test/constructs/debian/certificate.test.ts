import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Certificate, type Host, NginxSite, secret } from '../../../lib/constructs/index.js';
import { tool } from '../../stacks/tools.js';
import { manifestOf, problemsOf } from '../host/support.js';

/** Of the year 2020: OpenSSL makes none that has expired. */
const PAST = `-----BEGIN CERTIFICATE-----
MIIBAzCBqgIBATAKBggqhkjOPQQDAjAOMQwwCgYDVQQDDAN3d3cwHhcNMjAwMTAx
MDAwMDAwWhcNMjAwMjAxMDAwMDAwWjAOMQwwCgYDVQQDDAN3d3cwWTATBgcqhkjO
PQIBBggqhkjOPQMBBwNCAATzhqzsNPcWFHDWftqjsRhxBacDWq379px+x7kUPZtC
recBlYCebEShJ2y/2MJ/PrL2a0mpyRfZpMXpsMFT+sGjMAoGCCqGSM49BAMCA0gA
MEUCICbqsRQrStA1Jxxh1AwkewD/Ts9oUFrOAhAcxdwOfMsHAiEA3hgusCkMa0C6
VK8PaOm5wGNywDEhAZkzWG7puXTEs+w=
-----END CERTIFICATE-----
`;
const FOLDER = '/etc/ssl/citadel/www';
let scratch: string;

/** A certificate and key of OpenSSL's making, named `name`. */
function make(name: string): void {
  const { status, output } = tool('openssl', [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-subj', '/CN=www'],
    ...['-days', '30', '-keyout', join(scratch, `${name}.key`), '-out', join(scratch, `${name}.pem`)],
  ]);
  if (status !== 0) throw new Error(output);
}
const pem = (name: string): string => readFileSync(join(scratch, `${name}.pem`), 'utf8');

beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), 'citadel-tls-'));
  make('good');
  make('other');
  writeFileSync(join(scratch, 'past.pem'), PAST);
});
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const build = (host: Host): NginxSite => {
  const tls = new Certificate(host, 'www', { certificate: pem('good'), key: secret('www_key') });
  return new NginxSite(host, 'site', { root: '/srv/www', certificate: tls });
};

describe('Certificate', () => {
  it('is two files, the key for root alone, and what reads them reloads', () => {
    const manifest = manifestOf(build);
    expect(manifest.files?.[`${FOLDER}/fullchain.pem`]).toMatchObject({ content: pem('good'), mode: '0644' });
    expect(manifest.files?.[`${FOLDER}/privkey.pem`]).toMatchObject({
      secret: 'www_key',
      owner: 'root',
      mode: '0600',
    });
    expect(manifest.units?.['nginx.service']?.reloadOn).toEqual(
      expect.arrayContaining([`${FOLDER}/fullchain.pem`, `${FOLDER}/privkey.pem`]),
    );
    expect(manifest.files?.['/etc/nginx/sites-available/site']?.content).toContain(
      `ssl_certificate_key ${FOLDER}/privkey.pem;`,
    );
  });

  it('lets a group read the key that asks for it', () => {
    const manifest = manifestOf(
      (host) =>
        new Certificate(host, 'www', {
          certificate: secret('www_chain'),
          key: secret('www_key'),
          group: 'www-data',
        }),
    );
    expect(manifest.files?.[`${FOLDER}/privkey.pem`]).toMatchObject({ group: 'www-data', mode: '0640' });
    expect(manifest.files?.[`${FOLDER}/fullchain.pem`]).toMatchObject({ secret: 'www_chain', mode: '0640' });
  });

  it('is refused by OpenSSL when it has expired, or when the key is another’s', () => {
    const { files } = manifestOf(build);
    const read = (path: string, certificate: string, key: string) => {
      const validator = files?.[path]?.validate;
      if (typeof validator !== 'object') throw new Error('no validator');
      const [program = '', ...words] = validator.command.map((word) =>
        word
          .replace(`${FOLDER}/fullchain.pem`, join(scratch, `${certificate}.pem`))
          .replace('%s', join(scratch, path.endsWith('privkey.pem') ? `${key}.key` : `${certificate}.pem`)),
      );
      const { status, output } = tool(program, words);
      return [status, output];
    };
    expect(read(`${FOLDER}/fullchain.pem`, 'good', 'good')).toEqual([0, '']);
    expect(read(`${FOLDER}/privkey.pem`, 'good', 'good')).toEqual([0, '']);
    expect(read(`${FOLDER}/fullchain.pem`, 'past', 'past')).toEqual([
      1,
      expect.stringMatching(/^notAfter=.*\nthe certificate has expired\n$/),
    ]);
    expect(read(`${FOLDER}/privkey.pem`, 'good', 'other')).toEqual([
      1,
      'the key belongs to another certificate\n',
    ]);
  });

  it.each<[string, string, string]>([
    ['a file that is none', 'hello\n', 'it has no certificate in PEM'],
    ['half a certificate', '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n', 'certificate 1 of it cannot be read'],
    ['a key in plain text', '-----BEGIN EC PRIVATE KEY-----\nx\n-----END EC PRIVATE KEY-----\n', 'there is a private key in it'],
  ])('refuses %s', (_what, certificate, text) => {
    const problems = problemsOf((host) => new Certificate(host, 'www', { certificate, key: secret('k') }));
    expect(problems.join('\n')).toContain(`host/www] certificate: ${text}`);
  }); // prettier-ignore
});
