import { beforeEach, describe, expect, it } from 'vitest';
import { AccountRoot, manifest, user } from '../support/account-root.js';
import { failing, killing } from '../support/faults.js';

/** Groups of the names of users, where userdel(8) takes them along, by the real tools on an offline root. */
const host = new AccountRoot();
const { keep, runs, commits, rollsBack, expectStart, line } = host;
beforeEach(() => {
  host.root.write('/etc/login.defs', 'USERGROUPS_ENAB yes\n');
});
const crew = { crew: user({ uid: 980, home: '/srv', system: true }) };

describe('a group that has the name of a user of ours', () => {
  it('stays when it was there before the user', async () => {
    host.root.shell(`echo 'crew:x:980:' >>etc/group; echo 'crew:$6$hash::' >>etc/gshadow`);
    await commits(manifest({ users: crew }));
    await keep();
    expect(await rollsBack(manifest({}))).toEqual([]);
    await expectStart();
    await commits(
      manifest({
        files: { '/etc/x': { content: 'x', owner: 'root', group: 'root', mode: '0644' } },
        users: crew,
      }),
    );
    await commits(manifest({}));
    expect([line('passwd', 'crew'), line('group', 'crew'), line('gshadow', 'crew')]).toEqual([
      undefined,
      'crew:x:980:',
      'crew:$6$hash::',
    ]);
  });

  it('goes with the user when it came with the user', async () => {
    await commits(manifest({ users: crew }));
    await commits(manifest({}));
    expect([line('passwd', 'crew'), line('group', 'crew')]).toEqual([undefined, undefined]);
  });

  it('stays as long as the document names it', async () => {
    const groups = { crew: { gid: 980, system: true } };
    await commits(manifest({ groups, users: crew }));
    await commits(manifest({ groups }));
    expect([line('passwd', 'crew'), line('group', 'crew')]).toEqual([undefined, 'crew:x:980:']);
    await commits(manifest({}));
    expect(line('group', 'crew')).toBeUndefined();
  });

  it('is there after a death on the way', async () => {
    host.root.shell(`echo 'crew:x:980:' >>etc/group; echo 'crew:!::' >>etc/gshadow`);
    await commits(manifest({ users: crew }));
    await keep();
    for (const fault of [killing('own_group_stays'), failing('own_group_stays')]) {
      const run = await runs(manifest({}), fault);
      if (run.outcome === undefined) await host.root.recoverCleanly(run.id);
      await expectStart();
    }
  });
});
