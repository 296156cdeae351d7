import { mkdirSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { beforeEach, describe, expect, it } from 'vitest';
import type { HostManifest } from '../../../lib/manifest/index.js';
import {
  ACCOUNT_FILES,
  AccountRoot,
  HASH,
  UNDONE,
  manifest,
  meanwhile,
  notes,
  user,
} from '../support/account-root.js';
import { before, failing, killing } from '../support/faults.js';

/** The way back of accounts and homes, by the real tools on the account files of an offline root. */
const host = new AccountRoot();
const { keep, runs, rollsBack, expectStart, text, line } = host;
const ALICE = manifest({ users: { alice: user() } });

describe('a user that comes', () => {
  it.each<[string, HostManifest]>([
    ['with a home', ALICE],
    [
      'with a home in a directory that is new',
      manifest({ users: { alice: user({ home: '/srv/people/of/alice' }) } }),
    ],
    [
      'with groups, one of them new',
      manifest({
        groups: { fresh: { system: false } },
        users: { alice: user({ groups: ['adm', 'fresh'], uid: 1700 }) },
      }),
    ],
    ['with a primary group that is there', manifest({ users: { alice: user({ group: 'ops' }) } })],
    ['without a home', manifest({ users: { alice: user({ system: true, home: '/nonexistent' }) } })],
    [
      'with files of the configuration in its home',
      manifest({
        users: { alice: user() },
        files: {
          '/home/alice/.ssh/authorized_keys': {
            content: 'k\n',
            owner: 'alice',
            group: 'alice',
            mode: '0600',
          },
        },
      }),
    ],
  ])('goes without a trace: %s', async (_name, wanted) => {
    expect(await rollsBack(wanted)).toEqual([]);
    await expectStart();
  });

  it('has a home of its own where directories pass on their group', async () => {
    host.root.shell('mkdir -p srv/homes; chgrp 4 srv/homes; chmod 2775 srv/homes');
    const wanted = manifest({ users: { alice: user({ home: '/srv/homes/alice' }) } });
    expect((await host.root.apply(wanted)).outcome).toBe('committed');
    expect(statSync(host.root.at('/srv/homes/alice')).mode & 0o7000).toBe(0);
  });

  it('gives a group of its name back that was there, with its members and password', async () => {
    host.root.shell(`echo 'alice:x:1800:eve' >>etc/group; echo 'alice:${HASH}:eve:eve' >>etc/gshadow`);
    await keep();
    expect(await rollsBack(ALICE)).toEqual([]);
    await expectStart();
    // userdel(8) takes it only if no one else is in it.
    host.root.shell(
      `sed -i 's/^alice:.*/alice:x:1800:/' etc/group; sed -i 's|^alice:.*|alice:${HASH}::|' etc/gshadow`,
    );
    await keep();
    expect(await rollsBack(ALICE)).toEqual([]);
    await expectStart();
  });

  it.each([
    ['a file', 'echo thesis >home/alice/thesis', ['thesis']],
    ['a changed file of the skeleton', 'echo mine >home/alice/.profile', ['.profile']],
    ['the same text again', 'rm home/alice/.profile; cp etc/skel/.profile home/alice/.profile', ['.profile']],
    [
      'a file of the skeleton by another name',
      'mv home/alice/.profile home/alice/.profile.old',
      ['.profile.old'],
    ],
    ['an empty directory', 'mkdir home/alice/empty', ['empty']],
  ])('leaves what others put into its home: %s', async (_name, script, left) => {
    const said = await rollsBack(ALICE, meanwhile(script));
    expect(said).toEqual([expect.stringMatching(/^home \/home\/alice stays: others put something there: /)]);
    expect(readdirSync(host.root.at('/home/alice'))).toEqual(left);
    expect(line('passwd', 'alice')).toBeUndefined();
  });

  it.each([
    [
      'another directory',
      'mv home/alice home/old && cp -a home/old home/alice',
      'it is not the directory that this change made',
    ],
    ['a link', 'mv home/alice srv-alice && ln -s ../srv-alice home/alice', undefined],
    [
      'a link to a directory of others',
      'mkdir theirs && echo x >theirs/.profile && mv home/alice old && ln -s ../theirs home/alice',
      undefined,
    ],
  ])('leaves what is at the path of its home by now: %s', async (_name, script, reason) => {
    const said = await rollsBack(ALICE, meanwhile(script));
    expect(said).toEqual(reason === undefined ? [] : [`home /home/alice stays: ${reason}`]);
    expect(readFileSync(host.root.at('/home/alice/.profile'), 'utf8')).toMatch(/./);
    expect(line('passwd', 'alice')).toBeUndefined();
  });

  it.each([
    ['a directory with everything', 'mkdir home/alice; cp -a etc/skel/. home/alice/; chmod 700 home/alice'],
    ['an empty one', 'mkdir home/alice'],
    ['a link to one', 'mkdir -p disk/alice; echo work >disk/alice/thesis; ln -s ../disk/alice home/alice'],
  ])('never loses a home that was there: %s', async (_name, script) => {
    host.root.shell(script);
    await keep();
    expect(await rollsBack(ALICE)).toEqual([
      expect.stringMatching(
        /^home \/home\/alice of alice was there and belongs to the number 0, not to alice \([0-9]+\): chown -R alice: \/home\/alice$/,
      ),
    ]);
    await expectStart();
  });

  it.each([
    ['got a password', `sed -i 's|^alice:!:|alice:${HASH}:|' etc/shadow`],
    ['got another shell', `sed -i '/^alice:/s|/bin/sh|/bin/bash|' etc/passwd`],
    ['was expired', `sed -i 's/^\\(alice:.*\\):.*:$/\\1:1:/' etc/shadow`],
  ])('stays as it is when it %s meanwhile', async (_name, script) => {
    const run = await runs(ALICE, meanwhile(`${script} && cp etc/shadow etc/passwd .`));
    expect([run.outcome, run.stderr]).toEqual(['rolled-back', '']);
    expect(notes(run)).toEqual([
      'user alice was changed meanwhile and stays as it is now',
      expect.stringContaining('group alice stays: user alice is in it'),
    ]);
    expect([text('/etc/shadow'), text('/etc/passwd')]).toEqual([text('/shadow'), text('/passwd')]);
    expect(text('/home/alice/.profile')).toBe(text('/etc/skel/.profile'));
  });
});

/** A generation in which bob is ours, and what a person then made of him. */
async function bobAsHeIs(): Promise<void> {
  const first = manifest({
    groups: { crew: { system: false } },
    users: { bob: user({ home: '/home/bob', groups: ['adm', 'crew'] }) },
  });
  expect((await host.root.runDirectly(await host.root.plan(first))).outcome).toBe('committed');
  host.root.shell(`
    sed -i 's|^bob:.*|bob:!${HASH}:19001:1:365:14:30:30000:|' etc/shadow
    sed -i 's|^bob:\\([^:]*:[^:]*:[^:]*\\)::|bob:\\1:Bob B.,Room 1:|' etc/passwd
    sed -i 's|^bob:.*|bob:300000:1000\\nbob:400000:5|' etc/subuid
    sed -i 's|^crew:\\(.*\\):bob|crew:\\1:eve,bob|' etc/group
    sed -i 's|^crew:.*|crew:${HASH}:eve:eve,bob|' etc/gshadow
    echo work >home/bob/work`);
  await keep();
}

const sorted = (file: string): string[] => text(file).split('\n').sort();

describe('a user that leaves', () => {
  beforeEach(bobAsHeIs);

  it('comes back with number, groups, hash, lock, dates and ranges, and so does a group', async () => {
    const was = ACCOUNT_FILES.map((file) => sorted(file));
    expect(await rollsBack(manifest({}))).toEqual([]);
    expect(ACCOUNT_FILES.map((file) => sorted(file))).toEqual(was);
    expect(text('/home/bob/work')).toBe('work\n');
  });

  it('is not touched when a person made him again meanwhile', async () => {
    const again = `echo 'bob:x:4711:4:Another:/:/bin/false' >>etc/passwd && echo 'bob:!:1::::::' >>etc/shadow`;
    expect(await rollsBack(manifest({}), meanwhile(again))).toEqual([]);
    expect([line('passwd', 'bob'), line('shadow', 'bob')]).toEqual([
      'bob:x:4711:4:Another:/:/bin/false',
      'bob:!:1::::::',
    ]);
  });

  it.each([
    ['before the deletion is written down', killing('intend_user_gone')],
    ['before the group’s is', killing('intend_group_gone')],
    ['when both are gone', killing('remove_packages')],
    ['in the undo, when it begins', `${UNDONE}\n${killing('restore_user')}`],
    ['in the undo, with an account that is half done', `${UNDONE}\n${killing('restore_subordinates', 1)}`],
    ['in the undo, before the password', `${UNDONE}\n${killing('restore_password')}`],
    ['in the undo, with a group that is half done', `${UNDONE}\n${killing('put_line', 1)}`],
  ])('comes back after a death: %s', async (_name, fault) => {
    const was = ACCOUNT_FILES.map((file) => sorted(file));
    const run = await runs(manifest({}), fault);
    expect([run.signal, run.outcome]).toEqual(['SIGKILL', undefined]);
    const recovered = await host.root.recoverCleanly(run.id);
    expect([recovered.outcome, recovered.stderr]).toEqual(['rolled-back', '']);
    expect(ACCOUNT_FILES.map((file) => sorted(file))).toEqual(was);
  });
});

describe('a user that changes', () => {
  const changed = manifest({
    groups: { crew: { system: false } },
    users: { bob: user({ home: '/home/robert', shell: '/bin/dash', group: 'adm', groups: ['crew', 'eve'] }) },
  });
  beforeEach(bobAsHeIs);

  it('is what it was', async () => {
    expect(await rollsBack(changed)).toEqual([]);
    await expectStart();
  });

  it('keeps what others changed meanwhile, and gets the rest back', async () => {
    const script = `sed -i '/^bob:/s|/bin/dash|/bin/false|; /^bob:/s|Room 1|Room 2|' etc/passwd && sed -i 's|^root:x:0:|root:x:0:bob|' etc/group`;
    const was = line('passwd', 'bob') ?? '';
    expect(await rollsBack(changed, meanwhile(script))).toEqual([
      'user bob (/bin/false) was changed meanwhile and stays as it is now',
    ]);
    expect(line('passwd', 'bob')).toBe(was.replace('/bin/sh', '/bin/false').replace('Room 1', 'Room 2'));
    expect(line('group', 'root')).toBe('root:x:0:bob');
    expect(line('group', 'eve')).toBe('eve:x:1005:');
  });

  it.each([
    ['before the first step', killing('change_user')],
    ['between writing down and doing', killing('prefixed', 1)],
    ['between two steps', killing('add_users')],
    ['before the new home', killing('make_home')],
    ['after it', killing('own_staged')],
  ])('is what it was after a death: %s', async (_name, fault) => {
    const run = await runs(changed, fault);
    expect([run.signal, run.outcome]).toEqual(['SIGKILL', undefined]);
    expect((await host.root.recoverCleanly(run.id)).outcome).toBe('rolled-back');
    await expectStart();
  });
});

describe('accounts of others', () => {
  const script = `sed -i 's|^eve:.*|eve:!${HASH}:19000:0:99999:7::1:|' etc/shadow &&
    echo 'newhire:x:2000:2000::/home/newhire:/bin/bash' >>etc/passwd && echo 'newhire:${HASH}:20000::::::' >>etc/shadow &&
    echo 'newhire:x:2000:' >>etc/group && sed -i 's|^adm:x:4:eve|adm:x:4:eve,newhire|' etc/group`;

  it.each<[string, HostManifest]>([
    ['a user comes', ALICE],
    ['a group comes', manifest({ groups: { fresh: { system: false } } })],
    [
      'eve gets a shell and a group',
      manifest({ users: { eve: user({ home: '/home/eve', shell: '/bin/dash', groups: ['ops', 'root'] }) } }),
    ],
  ])('stay as they are now when %s', async (_name, wanted) => {
    const eve = line('passwd', 'eve');
    expect(await rollsBack(wanted, meanwhile(script))).toEqual([]);
    expect(line('shadow', 'eve')).toBe(`eve:!${HASH}:19000:0:99999:7::1:`);
    expect(line('passwd', 'newhire')).toBe('newhire:x:2000:2000::/home/newhire:/bin/bash');
    expect(line('shadow', 'newhire')).toBe(`newhire:${HASH}:20000::::::`);
    expect(line('passwd', 'eve')).toBe(eve);
    expect([
      line('group', 'root'),
      line('group', 'adm'),
      line('group', 'ops'),
      line('group', 'newhire'),
    ]).toEqual(['root:x:0:', 'adm:x:4:eve,newhire', 'ops:x:70:eve', 'newhire:x:2000:']);
    expect([line('passwd', 'alice'), line('group', 'fresh')]).toEqual([undefined, undefined]);
  });

  it('in a group of ours keep it', async () => {
    const join = `sed -i 's|^fresh:.*:$|&eve|' etc/group`;
    const wanted = manifest({ groups: { fresh: { system: false } } });
    expect(await rollsBack(wanted, meanwhile(join))).toEqual([
      'group fresh was changed meanwhile and stays as it is now',
    ]);
    expect(line('group', 'fresh')).toMatch(/:eve$/);
  });
});

describe('a death while a user comes', () => {
  it.each([
    ['before anything is written down', killing('intend', 1)],
    ['when the group is', killing('intend', 2)],
    ['between writing down and doing', killing('prefixed', 1)],
    ['before its home is made', killing('make_home')],
    ['before its home is written down', killing('note_home')],
    ['before its home is in its place', before('note_home', 'real_note_home "$@"; kill -KILL $$; exit')],
    ['before the group is', killing('made_group')],
    ['before the next user', before('log_account', '[ "$1" != made-user ] || { kill -KILL $$; exit; }', 4)],
    ['in the undo', `${UNDONE}\n${killing('undo_user_new')}`],
    ['in the undo, before its home goes', `${UNDONE}\n${killing('undo_home')}`],
    ['in the undo, before its group goes', `${UNDONE}\n${killing('undo_group_new')}`],
  ])('leaves nothing: %s', async (_name, fault) => {
    const run = await runs(ALICE, fault);
    expect([run.signal, run.outcome]).toEqual(['SIGKILL', undefined]);
    const recovered = await host.root.recoverCleanly(run.id);
    expect([recovered.outcome, recovered.stderr, notes(recovered).slice(1)]).toEqual(['rolled-back', '', []]);
    await expectStart();
  });

  it('keeps what was put into the home meanwhile', async () => {
    const run = await runs(ALICE, killing('own_staged'));
    host.root.shell('echo thesis >home/alice/thesis; echo mine >>home/alice/.profile');
    const recovered = await host.root.recoverCleanly(run.id);
    expect(recovered.outcome).toBe('rolled-back');
    expect(readdirSync(host.root.at('/home/alice')).sort()).toEqual(['.profile', 'thesis']);
  });
});

it('undoes no step twice', async () => {
  const wanted = manifest({
    groups: { fresh: { system: false } },
    users: { eve: user({ home: '/home/eve', shell: '/bin/dash' }) },
  });
  const run = await runs(wanted, `${UNDONE}\n${failing('undo_group_new', 1, 2)}`);
  expect(run.outcome).toBe('undo-failed');
  expect(notes(run)).toContain('the undo could not finish account fresh: planted');
  // Days later a person wants what the transaction had wanted.
  host.root.shell(`sed -i '/^eve:/s|/bin/sh|/bin/dash|' etc/passwd`);
  const again = await host.root.recoverCleanly(run.id);
  expect(again.progress.trimEnd().split('\n').at(-1)).toContain('rolled-back');
  expect(line('passwd', 'eve')).toMatch(/dash$/);
  expect(line('group', 'fresh')).toBeUndefined();
});

it('keeps no hash of a password in a generation', async () => {
  await bobAsHeIs();
  mkdirSync(host.root.at('/var/lib/citadel-iac/generations/1/undo/accounts'), { recursive: true });
  host.root.write('/var/lib/citadel-iac/generations/1/undo/accounts/shadow', HASH);
  expect((await host.root.runDirectly(await host.root.plan(manifest({})))).outcome).toBe('committed');
  host.root.shell(`! grep -rF '${HASH}' var/lib/citadel-iac`);
});
