import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import type { HostManifest } from '../../../lib/manifest/index.js';
import { AccountRoot, manifest, user } from '../support/account-root.js';

/** An account that was there before a generation named it, by the real tools on the account files of an offline root. */
const host = new AccountRoot();
const { keep, commits, rollsBack, expectStart, line } = host;

const BEFORE = 'eve:x:1005:1005:Eve:/home/eve:/bin/sh';
const ours: HostManifest = manifest({
  users: { eve: user({ group: 'ops', home: '/srv/eve', shell: '/bin/bash', system: true }) },
});
const OURS = 'eve:x:1005:70:Eve:/srv/eve:/bin/bash';

function onHost(generation: number): { status: number | null; out: string } {
  const program = host.root.at('/var/lib/citadel-iac/current/bin/back.sh');
  const run = spawnSync('/bin/sh', [program, host.root.path, 'to', String(generation), '--yes'], {
    encoding: 'utf8',
  });
  return { status: run.status, out: run.stdout + run.stderr };
}

describe('the home, the shell and the primary group of a user who was there before', () => {
  it('come back when the user leaves, and the plan says so', async () => {
    await commits(ours);
    expect(line('passwd', 'eve')).toBe(OURS);
    const { changes } = await host.root.plan(manifest({}));
    expect(changes).toMatchObject([
      {
        section: 'users',
        key: 'eve',
        action: 'update',
        cause: 'config',
        before: { group: 'ops', home: '/srv/eve', shell: '/bin/bash' },
        after: { group: 'eve', home: '/home/eve', shell: '/bin/sh' },
        note: 'what it was before it was managed is put back',
      },
    ]);
    await keep();
    expect(await rollsBack(manifest({}))).toEqual([]);
    await expectStart();
    await commits(manifest({}));
    expect(line('passwd', 'eve')).toBe(BEFORE);
    expect((await host.root.plan(manifest({}))).changes).toEqual([]);
  });

  it('are those of before the first generation, whatever later ones made of them', async () => {
    await commits(ours);
    await commits(manifest({ users: { eve: user({ group: 'ops', home: '/srv/eve', shell: '/bin/dash' }) } }));
    await commits(manifest({}));
    expect(line('passwd', 'eve')).toBe(BEFORE);
  });

  it('stay where a person changed them since', async () => {
    await commits(ours);
    host.root.shell(`sed -i 's|^eve:.*|eve:x:1005:70:Eve:/srv/eve:/bin/zsh|' etc/passwd`);
    await commits(manifest({}));
    expect(line('passwd', 'eve')).toBe('eve:x:1005:1005:Eve:/home/eve:/bin/zsh');
  });

  it('are kept again at the next time that the user is named', async () => {
    await commits(ours);
    await commits(manifest({}));
    host.root.shell(`sed -i 's|^eve:.*|eve:x:1005:1005:Eve:/home/eve:/bin/zsh|' etc/passwd`);
    await commits(ours);
    await commits(manifest({}));
    expect(line('passwd', 'eve')).toBe('eve:x:1005:1005:Eve:/home/eve:/bin/zsh');
  });

  it('leave a primary group that no one has any more as it is', async () => {
    await commits(ours);
    host.root.shell(`sed -i '/^eve:/d' etc/group etc/gshadow`);
    await commits(manifest({}));
    expect(line('passwd', 'eve')).toBe('eve:x:1005:70:Eve:/home/eve:/bin/sh');
  });

  it('come back with memberships that go', async () => {
    host.root.shell(`echo 'sudo:x:27:' >>etc/group; echo 'sudo:!::' >>etc/gshadow`);
    await commits(manifest({ users: { eve: user({ group: 'ops', home: '/home/eve', groups: ['sudo'] }) } }));
    const { changes } = await host.root.plan(manifest({}));
    expect(changes.map(({ note }) => note)).toEqual([
      'eve loses sudo; what it was before it was managed is put back',
    ]);
    await commits(manifest({}));
    expect([line('passwd', 'eve'), line('group', 'sudo')]).toEqual([BEFORE, 'sudo:x:27:']);
  });

  it('come and go on the host as by the engine', async () => {
    const apply = async (wanted: HostManifest): Promise<void> => {
      expect((await host.root.apply(wanted)).outcome).toBe('committed');
    };
    await apply(manifest({ groups: { more: { system: false } } }));
    await apply(ours);
    expect(onHost(1)).toMatchObject({ status: 0 });
    expect(line('passwd', 'eve')).toBe(BEFORE);
    host.root.shell(`sed -i 's|^eve:.*|eve:x:1005:1005:Eve:/home/eve:/bin/zsh|' etc/passwd`);
    expect(onHost(2)).toMatchObject({ status: 0 });
    expect(line('passwd', 'eve')).toBe(OURS);
    // What it was at this time, not at the first.
    await apply(manifest({}));
    expect(line('passwd', 'eve')).toBe('eve:x:1005:1005:Eve:/home/eve:/bin/zsh');
  });
});
