import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Finished } from '../lab/api.js';
import { describeLab } from '../lab/suite.js';

/** A plain host of the role `base`, and another that is named only. */
const INVENTORY = `operator: { addresses: [192.168.10.1] }
targetsFile: targets.json
hosts:
  dev-ops: { address: 192.168.10.36 }
  ai-node: { address: 192.168.10.35 }
`;

describeLab('a host that is retired', (lab) => {
  const host = lab.host('dev-ops');
  let folder = '';

  const cli = (...args: string[]): Promise<Finished> =>
    lab.operator.exec(
      ['node', 'bin/citadel-iac.mjs', ...args, '--inventory', join(folder, 'inventory.yaml')],
      {
        env: { ...(process.env as Record<string, string>), CITADEL_TARGETS: lab.layout.inventory },
        timeoutMs: 300_000,
      },
    );
  /** All that a deployment could touch: files, packages, accounts, and what is enabled. */
  const state = (): Promise<string> =>
    host.mustExec(
      `cd /; find etc usr/local opt -xdev ! -path 'etc/ld.so.cache' ! -path 'etc/passwd-' ! -path 'etc/group-' ! -path 'etc/shadow-' ! -path 'etc/gshadow-' \\
         ! -path 'etc/.pwd.lock' ! -path 'etc/systemd/system/*.wants' ! -name '__pycache__' -printf '%p %y %m %U:%G %l\\n' | sort
       dpkg-query -W -f '\${Package} \${db:Status-Status}\\n' | grep ' installed' | sort; cut -d: -f1 /etc/passwd | sort`,
    );

  beforeAll(async () => {
    await host.reset();
    folder = await mkdtemp(join(tmpdir(), 'citadel-retire-'));
    await writeFile(join(folder, 'inventory.yaml'), INVENTORY);
  });

  afterAll(async () => {
    await rm(folder, { recursive: true, force: true });
    await host.reset();
  });

  it('is as it was before us but for data, can still be reached, and comes back by a rollback', async () => {
    await host.mustExec('echo mine >/srv/data');
    const before = await state();
    const applied = await cli('apply', 'dev-ops', '--yes');
    expect(applied.code, applied.stdout + applied.stderr).toBe(0);
    expect(await state()).not.toBe(before);

    const retired = await cli('retire', 'dev-ops', '--yes');
    expect(retired.code, retired.stdout + retired.stderr).toBe(0);
    expect(retired.stdout).toContain('THIS EMPTIES THE HOST');
    expect(retired.stdout).toContain('1. Take hosts.dev-ops out of ');
    expect(retired.stdout).toContain('2. No other host knows of it.');
    // apt removes packages and does not purge them.
    const left = (await state()).split('\n').filter((line) => !before.split('\n').includes(line));
    expect(
      left.filter((line) => !/prometheus(-node-exporter\b.*)?$/.test(line.replace(/ [fl] .*/, ''))),
    ).toEqual([]);
    expect(await host.mustExec('cat /srv/data')).toBe('mine\n');
    expect(await host.mustExec('systemctl --failed --no-legend --plain')).toBe('');
    expect((await lab.operator.ssh('dev-ops', 'true')).code).toBe(0);

    const back = await cli('rollback', 'dev-ops', '--yes');
    expect(back.code, back.stdout + back.stderr).toBe(0);
    expect((await cli('diff', 'dev-ops')).code).toBe(0);
  }, 600_000);
});
