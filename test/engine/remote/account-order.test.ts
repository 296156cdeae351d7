import { existsSync, statSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { HostManifest } from '../../../lib/manifest/index.js';
import { AccountRoot, UNDONE, failure, manifest, notes, user } from '../support/account-root.js';
import { before, killing } from '../support/faults.js';

/** What accounts depend on within a transaction, and changes of accounts that are there already. */
const host = new AccountRoot();
const { keep, runs, commits, rollsBack, expectStart, text, line, groupsOf } = host;

/** What the script of a package does, at the moment at which packages are installed. */
const asPackage = (script: string): string =>
  before('install_packages', `(cd "$ROOT" && ${script}) || return 1`);
const GROUP_OF_PACKAGE = asPackage(`{ grep -q '^dock:' etc/group || echo 'dock:x:990:' >>etc/group; }`);

describe('accounts and packages', () => {
  it('are there before packages, with the number of the configuration', async () => {
    const wanted = manifest({ users: { alice: user({ uid: 1700, groups: ['adm'] }) } });
    const run = await runs(
      wanted,
      asPackage(`grep '^alice:x:1700:' etc/passwd && grep '^adm:.*alice' etc/group && ! test -e home/alice`),
    );
    expect([run.outcome, failure(run)]).toEqual(['committed', '']);
    expect(text('/home/alice/.profile')).toBe(text('/etc/skel/.profile'));
  });

  it.each<[string, HostManifest]>([
    ['a membership of a new user', manifest({ users: { alice: user({ groups: ['adm', 'dock'] }) } })],
    [
      'the primary group of a new user',
      manifest({ users: { alice: user({ group: 'dock', groups: ['adm'] }) } }),
    ],
    [
      'a membership of a user who is there',
      manifest({ users: { eve: user({ home: '/home/eve', groups: ['dock'] }) } }),
    ],
  ])('%s waits for the package that brings the group', async (_name, wanted) => {
    const run = await runs(wanted, GROUP_OF_PACKAGE);
    expect([run.outcome, failure(run), run.stderr]).toEqual(['committed', '', '']);
    expect((await host.root.plan(wanted)).changes).toEqual([]);
  });

  it('are undone, and those of the package stay', async () => {
    const wanted = manifest({
      users: { alice: user({ groups: ['adm', 'dock'] }), eve: user({ home: '/home/eve', groups: ['dock'] }) },
    });
    expect(await rollsBack(wanted, `${UNDONE}\n${GROUP_OF_PACKAGE}`)).toEqual([]);
    expect(line('group', 'dock')).toBe('dock:x:990:');
    host.root.shell(`sed -i '/^dock:/d' etc/group; sed -i '/^dock:/d' etc/gshadow`);
    await expectStart();
  });

  it('are not made twice when the package made one that has to wait', async () => {
    const script = `echo 'dock:x:990:' >>etc/group && echo 'alice:x:999:990::/home/alice:/bin/sh' >>etc/passwd && echo 'alice:!:1::::::' >>etc/shadow`;
    const wanted = manifest({ users: { alice: user({ group: 'dock', groups: ['adm'] }) } });
    const run = await runs(wanted, asPackage(script));
    expect([run.outcome, failure(run)]).toEqual(['committed', '']);
    expect([line('passwd', 'alice'), groupsOf('alice')]).toEqual([
      'alice:x:999:990::/home/alice:/bin/sh',
      ['adm'],
    ]);
  });
});

describe('a user whose primary group is another', () => {
  const wanted = manifest({ users: { bob: user({ home: '/home/bob' }) } });

  it.each([
    ['with a group of the own name', `echo 'bob:x:1010:' >>etc/group`],
    ['without one', 'true'],
  ])('gets one of the own name, once, and gets the other back: %s', async (_name, script) => {
    host.root
      .shell(`${script}; echo 'bob:x:1009:4:Bob:/home/bob:/bin/sh' >>etc/passwd; echo 'bob:!:1::::::' >>etc/shadow
      mkdir home/bob; echo x >home/bob/file; chown -R 1009:4 home/bob`);
    await keep();
    expect(await rollsBack(wanted)).toEqual([]);
    await expectStart();
    await commits(wanted);
    expect((await host.root.plan(wanted)).changes).toEqual([]);
    const gid = Number(line('group', 'bob')?.split(':')[2]);
    expect(line('passwd', 'bob')).toBe(`bob:x:1009:${String(gid)}:Bob:/home/bob:/bin/sh`);
    expect(statSync(host.root.at('/home/bob/file')).gid).toBe(gid);
  });
});

describe('a user with another home', () => {
  const wanted = manifest({ users: { eve: user({ home: '/srv/eve' }) } });

  it('gets it, owned and with the skeleton; the old one stays, and the plan says so', async () => {
    host.root.shell('mkdir home/eve; echo work >home/eve/work; chown -R 1005:1005 home/eve');
    expect((await host.root.plan(wanted)).changes.map(({ note }) => note)).toEqual([
      '/srv/eve is made if it is not there; /home/eve stays as it is, nothing is moved',
    ]);
    await commits(wanted);
    expect([statSync(host.root.at('/srv/eve')).uid, statSync(host.root.at('/srv/eve/.profile')).uid]).toEqual(
      [1005, 1005],
    );
    expect(text('/home/eve/work')).toBe('work\n');
    expect((await host.root.plan(wanted)).changes).toEqual([]);
  });

  it.each([
    ['after a failure', UNDONE],
    ['after a death', killing('own_staged')],
  ])('has the one of before %s', async (_name, fault) => {
    await keep();
    const run = await runs(wanted, fault);
    if (run.outcome === undefined) await host.root.recoverCleanly(run.id);
    await expectStart();
  });

  it('is told when another owns it', async () => {
    host.root.shell('mkdir -p srv/eve; chown 4711 srv/eve');
    expect(await commits(wanted)).toEqual([
      'home /srv/eve of eve was there and belongs to the number 4711, not to eve (1005): chown -R eve: /srv/eve',
    ]);
  });
});

it('makes a home with the mode that the host gives to homes', async () => {
  host.root.write('/etc/login.defs', '# x\nUMASK\t\t027\n#HOME_MODE 0700\n');
  await commits(manifest({ users: { alice: user() } }));
  host.root.write('/etc/login.defs', 'UMASK 022\nHOME_MODE\t0710\n');
  await commits(
    manifest({
      users: {
        alice: user(),
        bob: user({ home: '/home/bob' }),
        sys: user({ home: '/home/sys', system: true }),
      },
    }),
  );
  const mode = (home: string): string => (statSync(host.root.at(home)).mode & 0o7777).toString(8);
  expect([mode('/home/alice'), mode('/home/bob'), existsSync(host.root.at('/home/sys'))]).toEqual([
    '750',
    '710',
    false,
  ]);
});

it('refuses another number before anything is touched, and says what to do', async () => {
  const wanted = manifest({
    groups: { ops: { system: false, gid: 71 } },
    users: { eve: user({ home: '/home/eve', uid: 1700 }) },
  });
  await expect(host.root.plan(wanted)).rejects.toThrow(
    /groups\["ops"\]\.gid: group ops has the gid 70 on the host, and 71 is wanted[^]*Write gid 70[^]*chgrp -h 71[^]*user eve has the uid 1005[^]*usermod --uid 1700 eve && find \/ -xdev -uid 1005 -exec chown -h 1700/,
  );
});

describe('a user who leaves with processes', () => {
  const BUSY = `userdel() { echo "userdel: user alice is currently used by process 442"; return 8; }`;
  const GONE = manifest({});
  const alice = manifest({ users: { alice: user({ groups: ['adm'] }) } });

  it('stays, locked and expired, until a later apply finds none', async () => {
    await commits(alice);
    host.root.shell(`sed -i 's|^alice:!:|alice:hash:|' etc/shadow`);
    await keep();
    expect(await rollsBack(GONE, `${UNDONE}\n${BUSY}`)).toContainEqual(
      expect.stringContaining('still has processes'),
    );
    await expectStart();
    const run = await runs(GONE, BUSY);
    expect([run.outcome, failure(run), run.stderr]).toEqual(['committed', '', '']);
    expect(notes(run)).toEqual([
      'user alice still has processes (such as 442) and stays, locked and expired, until a later apply finds none: loginctl terminate-user alice',
    ]);
    expect(line('shadow', 'alice')).toMatch(/^alice:!hash:.*:1:$/);
    // What comes next is another change altogether.
    expect(await commits(manifest({ groups: { fresh: { system: false } } }))).toEqual([]);
    expect([line('passwd', 'alice'), line('shadow', 'alice')]).toEqual([undefined, undefined]);
    expect(text('/var/lib/citadel-iac/leaving')).toBe('');
  });

  it('is open again when wanted again, and is not deleted then', async () => {
    await commits(alice);
    host.root.shell(`sed -i 's|^alice:!:|alice:hash:|' etc/shadow`);
    expect((await runs(GONE, BUSY)).outcome).toBe('committed');
    await commits(alice);
    expect(line('shadow', 'alice')).toMatch(/^alice:hash:[^:]*:[^:]*:[^:]*:[^:]*:::$/);
    await commits(manifest({ ...alice, groups: { fresh: { system: false } } }));
    expect(line('passwd', 'alice')).toBeDefined();
  });
});
