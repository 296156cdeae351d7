import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type HostManifest, validateManifest } from '../../lib/manifest/index.js';
import type { HostName } from '../lab/api.js';
import { describeLab } from '../lab/suite.js';
import { cleanEnv, REPOSITORY } from '../terraform/support/terraform.js';
import { type CliRun, Workbench } from './harness.js';

const MAIN = `
import { readFileSync } from 'node:fs';
import { App, TerraformStack } from 'cdktf';
import { bindHost } from '../lib/terraform/binding/index.js';

const app = new App();
const { target, manifest } = JSON.parse(readFileSync('input.json', 'utf8'));
const stack = new TerraformStack(app, 'dev-ops');
bindHost(stack, { host: 'dev-ops', target, manifest: () => manifest });
app.synth();
`;

const HOSTS = ['ai-node', 'dev-ops'] as const;
const CONF = '/srv/demo/a.conf';

function document(host: HostName, text: string): HostManifest {
  return validateManifest({
    version: 1,
    host,
    directories: { '/srv/demo': { owner: 'root', group: 'root', mode: '0755' } },
    files: { [CONF]: { content: text, owner: 'root', group: 'root', mode: '0644' } },
  });
}

/** No key of a person, no other key of the host: certificates only, on both sides. */
const AUTHORITY_ONLY = `
set -eu
rm -f /home/agent0/.ssh/authorized_keys
cat >/etc/ssh/sshd_config.d/00-authority.conf <<'END'
TrustedUserCAKeys /etc/ssh/authority.pub
AuthorizedKeysFile none
HostCertificate /etc/ssh/ssh_host_ed25519_key-cert.pub
HostKeyAlgorithms ssh-ed25519-cert-v01@openssh.com
PasswordAuthentication no
END
sshd -t
systemctl reload ssh
`;

describeLab('a site with an SSH authority only', (lab) => {
  let bench: Workbench;
  let folder: string;
  const ways: Partial<Record<HostName, object>> = {};
  const keygen = (...words: string[]): Promise<string> => lab.operator.mustExec(['ssh-keygen', ...words]);

  beforeAll(async () => {
    await lab.reset();
    bench = await Workbench.open(lab);
    folder = await mkdtemp(join(tmpdir(), 'citadel-authority-'));
    const authority = join(folder, 'authority');
    const me = join(folder, 'me');
    for (const path of [authority, me]) await keygen('-q', '-t', 'ed25519', '-N', '', '-f', path);
    await keygen('-q', '-s', authority, '-I', 'operator', '-n', 'agent0', '-V', '-1h:+1h', `${me}.pub`);
    const fingerprint = (await keygen('-lf', `${authority}.pub`)).split(' ')[1] ?? '';
    for (const name of HOSTS) {
      const host = lab.host(name);
      const key = join(folder, `${name}.pub`);
      await writeFile(key, await host.mustExec('cat /etc/ssh/ssh_host_ed25519_key.pub'));
      await keygen('-q', '-s', authority, '-I', name, '-h', '-n', name, '-V', '-1h:+1h', key);
      const put = async (from: string, to: string): Promise<void> => {
        const text = await lab.operator.mustExec(['cat', from]);
        await host.mustExec(`cat >${to} <<'END'\n${text.trim()}\nEND`);
      };
      await put(`${authority}.pub`, '/etc/ssh/authority.pub');
      await put(join(folder, `${name}-cert.pub`), '/etc/ssh/ssh_host_ed25519_key-cert.pub');
      await host.mustExec(AUTHORITY_ONLY);
      ways[name] = {
        client: 'system',
        identityFile: me,
        hostKeys: [`@cert-authority ${name} ${fingerprint}`],
      };
    }
    await bench.writeInventory(ways);
  });

  afterAll(async () => {
    await bench.close();
    await rm(folder, { recursive: true, force: true });
  });

  const log = (run: CliRun): string => `${run.stdout}\n${run.stderr}`;
  const logIns = async (name: HostName): Promise<number> =>
    Number(
      await lab
        .host(name)
        .mustExec(
          'journalctl -u ssh -u "ssh@*" -o cat --no-pager | grep -c "Accepted publickey.*ID operator" || true',
        ),
    );

  // Debian 13 and Debian 12.
  it.each(HOSTS)('has %s deployed, drifted, healed and rolled back, by certificates alone', async (name) => {
    const host = lab.host(name);
    const doctor = await bench.cli(['doctor', name]);
    expect(doctor.code, log(doctor)).toBe(0);

    const before = await logIns(name);
    await bench.apply(document(name, 'first\n'));
    // One to work on, and one that confirms: a new one, never a shared one.
    expect((await logIns(name)) - before).toBeGreaterThanOrEqual(2);
    await bench.apply(document(name, 'second\n'));

    await host.mustExec(`echo by hand >${CONF}`);
    const drift = await bench.diff(document(name, 'second\n'));
    expect([drift.code, drift.changes.map(({ cause }) => cause)]).toEqual([2, ['drift']]);
    await bench.apply(document(name, 'second\n'));
    expect(await host.mustExec(`cat ${CONF}`)).toBe('second\n');

    const back = await bench.cli(['rollback', name, '--yes']);
    expect(back.code, log(back)).toBe(0);
    expect(await host.mustExec(`cat ${CONF}`)).toBe('first\n');

    // On the operator's side of this lab alone: others may run on this machine.
    const left = await lab.operator.exec(
      `for pid in $(pgrep -f '[c]itadel-ctl-'); do
         [ "$(readlink "/proc/$pid/ns/net")" != "$(readlink /proc/self/ns/net)" ] || echo "$pid"
       done`,
    );
    expect(left.stdout).toBe('');
  });

  it('has dev-ops deployed by Terraform as well', async () => {
    const project = await mkdtemp(join(REPOSITORY, '.tmp-cdktf-'));
    try {
      const settings = {
        language: 'typescript',
        app: 'node --import tsx main.ts',
        sendCrashReports: 'false',
      };
      await writeFile(join(project, 'cdktf.json'), JSON.stringify(settings));
      await writeFile(join(project, 'main.ts'), MAIN);
      const target = { ...(await lab.inventory())['dev-ops'], ...ways['dev-ops'] };
      const manifest = document('dev-ops', 'by Terraform\n');
      await writeFile(join(project, 'input.json'), JSON.stringify({ target, manifest }));
      const run = await lab.operator.exec(
        [join(REPOSITORY, 'node_modules/.bin/cdktf'), 'deploy', '--auto-approve', 'dev-ops'],
        {
          cwd: project,
          env: { ...cleanEnv(), NO_COLOR: '1', CI: 'true', CHECKPOINT_DISABLE: '1' },
          timeoutMs: 280_000,
        },
      );
      expect(run.code, run.stdout.slice(-4000) + run.stderr).toBe(0);
      expect(await lab.host('dev-ops').mustExec(`cat ${CONF}`)).toBe('by Terraform\n');
    } finally {
      await rm(project, { recursive: true, force: true });
    }
  });
});
