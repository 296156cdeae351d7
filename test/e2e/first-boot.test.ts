import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Finished } from '../lab/api.js';
import { describeLab } from '../lab/suite.js';
import { parseReport } from '../drill/drill.js';

describeLab('the first boot of a machine by user data', (lab) => {
  const host = lab.host('dev-ops');
  let folder = '';
  const path = (name: string): string => join(folder, name);

  const cli = (...args: string[]): Promise<Finished> =>
    lab.operator.exec(['node', 'bin/citadel-iac.mjs', ...args, '--inventory', path('inventory.yaml')], {
      timeoutMs: 600_000,
    });
  const writeInventory = (hostKeys: readonly string[]): Promise<void> =>
    writeFile(
      path('inventory.yaml'),
      `operator: { addresses: [192.168.10.1] }
hosts:
  dev-ops:
    address: 192.168.10.36
    ssh: { user: agent0, hostKeys: ${JSON.stringify(hostKeys)}, identityFile: ${lab.operator.identityFile} }
`,
    );

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'citadel-first-boot-'));
    await lab.lose('dev-ops');
    // What Debian's cloud image has and the lab's has not. Its network is there already.
    await host.mustExec(
      `export DEBIAN_FRONTEND=noninteractive; apt-get -qq update && apt-get -qq -y --no-install-recommends install cloud-init sudo >/dev/null
       printf 'network: {config: disabled}\\ndatasource_list: [NoCloud]\\nlocale: false\\n' >/etc/cloud/cloud.cfg.d/99-lab.cfg
       echo 'policy: enabled' >/etc/cloud/ds-identify.cfg`,
      { timeoutMs: 300_000 },
    );
  }, 600_000);

  afterAll(async () => {
    await rm(folder, { recursive: true, force: true });
    await host.reset();
    await lab.up();
  });

  it('opens the normal door with a host key that was pinned before, and the rebuild goes on from there', async () => {
    await writeInventory([]);
    const written = await cli('rebuild', 'dev-ops', '--first-boot', path('user-data'));
    expect(written.code, written.stderr).toBe(0);
    const [pin = ''] = /SHA256:\S+/.exec(written.stdout) ?? [];
    await writeInventory([pin]);

    const seed = '/var/lib/cloud/seed/nocloud';
    await host.mustExec(`mkdir -p ${seed}`);
    await host.writeFile(`${seed}/user-data`, await readFile(path('user-data')));
    await host.writeFile(`${seed}/meta-data`, 'instance-id: dev-ops-1\n');
    const schema = await host.exec(['cloud-init', 'schema', '--config-file', `${seed}/user-data`], {
      timeoutMs: 120_000,
    });
    expect(schema.stdout + schema.stderr).toContain('Valid');
    expect(schema.code).toBe(0);

    await host.reboot();
    const status = await host.exec(['cloud-init', 'status', '--wait', '--long'], { timeoutMs: 300_000 });
    expect(status.stdout).toMatch(/^status: done$/m);
    expect(await host.mustExec('ls /etc/ssh/ssh_host_*_key')).toBe('/etc/ssh/ssh_host_ed25519_key\n');
    expect(await host.mustExec('ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub')).toContain(pin);
    expect(await host.mustExec('getent shadow agent0 | cut -d: -f2')).toMatch(/^!/);

    const rebuilt = parseReport(await cli('rebuild', 'dev-ops', '--yes', '--json'));
    expect(rebuilt.outcome).toBe('rebuilt');
    expect(rebuilt.steps.find(({ name }) => name === 'bootstrap')?.outcome).toBe('already');
  }, 900_000);
});
