import { beforeEach, describe, expect, it } from 'vitest';
import type { HostManifest } from '../../../lib/manifest/index.js';
import { AccountRoot, UNDONE, manifest, user } from '../support/account-root.js';
import { killing } from '../support/faults.js';

/** Memberships in groups, by the real tools on the account files of an offline root. */
const host = new AccountRoot();
const { keep, runs, commits, rollsBack, expectStart, line, groupsOf } = host;

describe('a membership that is not named any more', () => {
  const eve = (...groups: string[]): HostManifest =>
    manifest({ users: { eve: user({ home: '/home/eve', groups }) } });
  beforeEach(async () => {
    host.root.shell(`echo 'sudo:x:27:' >>etc/group; echo 'sudo:!::' >>etc/gshadow`);
    await commits(eve('adm', 'sudo'));
    expect(groupsOf('eve')).toEqual(['adm', 'ops', 'sudo']);
  });

  it.each([
    ['of a user who stays', eve()],
    ['of one who leaves and was there before', manifest({})],
  ])('goes if it was given, and stays if it was there before: %s', async (_name, wanted) => {
    const { changes } = await host.root.plan(wanted);
    expect(changes.map(({ section, key, note }) => [section, key, note])).toEqual([
      ['users', 'eve', 'eve loses sudo'],
    ]);
    await keep();
    expect(await rollsBack(wanted)).toEqual([]);
    await expectStart();
    await commits(wanted);
    expect(groupsOf('eve')).toEqual(['adm', 'ops']);
    expect((await host.root.plan(wanted)).changes).toEqual([]);
  });

  it('stays what it was over generations that name it no longer, and name it again', async () => {
    for (const groups of [['adm'], [], ['adm', 'sudo'], ['sudo', 'adm', 'ops'], []])
      await commits(eve(...groups));
    expect(groupsOf('eve')).toEqual(['adm', 'ops']);
  });

  it('is left alone when a person gave it afterwards', async () => {
    await commits(eve());
    host.root.shell(`sed -i 's/^sudo:.*/&eve/' etc/group`);
    expect((await host.root.plan(eve())).changes).toEqual([]);
    await commits(manifest({}));
    expect(groupsOf('eve')).toEqual(['adm', 'ops', 'sudo']);
  });

  it('goes with a group of ours that leaves, and comes back with it', async () => {
    const crew = { groups: { crew: { system: false } } };
    await commits(manifest({ ...crew, users: { eve: user({ home: '/home/eve', groups: ['crew'] }) } }));
    await keep();
    expect(await rollsBack(eve())).toEqual([]);
    await expectStart();
    await commits(eve());
    expect([line('group', 'crew'), groupsOf('eve')]).toEqual([undefined, ['adm', 'ops']]);
  });

  it.each([
    ['before it is done', killing('prefixed', 1)],
    ['after it', killing('validate', 2)],
    ['in the undo', `${UNDONE}\n${killing('undo_member_gone')}`],
  ])('is there again after a death: %s', async (_name, fault) => {
    await keep();
    const run = await runs(eve(), fault);
    expect([run.signal, run.outcome]).toEqual(['SIGKILL', undefined]);
    expect((await host.root.recoverCleanly(run.id)).outcome).toBe('rolled-back');
    await expectStart();
  });
});
