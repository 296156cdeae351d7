import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { RootConstruct } from 'constructs';
import { describe, expect, it } from 'vitest';
import { Host } from '../../../lib/constructs/host/index.js';
import { WebConfig, type WebConfigProps } from '../../../lib/roles/monitoring/index.js';
import { secret } from '../../../lib/constructs/secret.js';
import { scratch, writeTree } from '../../stacks/scratch.js';
import { hasTool } from '../../stacks/tools.js';
import { promtool, textOf } from './daemon-files.js';

const FILE = '/etc/prometheus/web-am.yml';
const PASSWORD = '/etc/prometheus/web-am.password';
const tls = { certificate: '/etc/ssl/am.pem', key: '/etc/ssl/am.key', ca: '/etc/ssl/ca.pem' };
const basicAuth = {
  username: 'ann',
  password: secret('am_password'),
  passwordHash: secret('am_password_hash'),
};
/** bcrypt of "secret". */
const HASH = '$2y$10$JmXvRjnNAa2LGgP.nAhlFexJbDxbxFbxKGnTiDANnDYpKqPWWRqJa';

function build(props: WebConfigProps) {
  const host = new Host(new RootConstruct(), 'dev-ops');
  const web = new WebConfig(host, 'web', { name: 'am', port: 9093, ...props });
  return { web, manifest: host.manifest() };
}

describe('WebConfig', () => {
  it('without TLS and accounts is no file, no argument and nothing for clients', () => {
    const { web, manifest } = build({});
    expect(manifest.files).toBeUndefined();
    expect(web).toMatchObject({
      arguments: [],
      client: {},
      checkOptions: [],
      localUrl: 'http://127.0.0.1:9093',
      isProtected: false,
    });
  });

  it('has the hash where the daemon looks and the password where its clients do', () => {
    const { web, manifest } = build({ tls, basicAuth });
    expect(textOf(manifest, FILE)).toBe(`tls_server_config:
  cert_file: /etc/ssl/am.pem
  key_file: /etc/ssl/am.key
basic_auth_users:
  ann: "@@secret:am_password_hash@@"
`);
    const own = { owner: 'root', group: 'prometheus', mode: '0640' };
    expect(manifest.files?.[FILE]).toMatchObject(own);
    expect(manifest.files?.[PASSWORD]).toMatchObject({ ...own, secret: 'am_password' });
    expect(web).toMatchObject({
      arguments: [`--web.config.file=${FILE}`],
      client: {
        scheme: 'https',
        tls_config: { ca_file: '/etc/ssl/ca.pem' },
        basic_auth: { username: 'ann', password_file: PASSWORD },
      },
      checkOptions: ['--cacert', '/etc/ssl/ca.pem', '--user', 'ann', '--password-file', PASSWORD],
      localUrl: 'https://127.0.0.1:9093',
      isProtected: true,
    });
  });

  it('can be an account without TLS, or TLS without an account', () => {
    expect(build({ basicAuth }).web).toMatchObject({ localUrl: 'http://127.0.0.1:9093', isProtected: true });
    expect(build({ tls }).manifest.files?.[PASSWORD]).toBeUndefined();
  });

  describe.skipIf(!hasTool('promtool') || !hasTool('openssl'))('as the daemons read it', () => {
    const check = (hash: string) => {
      const root = scratch();
      const [key, certificate] = [join(root, 'am.key'), join(root, 'am.pem')];
      const ask = `req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj /CN=am -keyout ${key} -out ${certificate}`;
      execFileSync('openssl', ask.split(' '), { stdio: 'ignore' });
      const { manifest } = build({ tls: { certificate, key }, basicAuth });
      writeTree(root, { 'web.yml': textOf(manifest, FILE).replace(basicAuth.passwordHash.toString(), hash) });
      return promtool('check', 'web-config', join(root, 'web.yml'));
    };

    it('is taken', () => {
      expect(check(HASH)).toMatchObject({ status: 0, output: expect.stringContaining('SUCCESS') as string });
    });

    it('is refused with a password in the place of its hash', () => {
      expect(check('secret')).toMatchObject({
        status: 1,
        output: expect.stringContaining('hashedSecret too short') as string,
      });
    });
  });
});
