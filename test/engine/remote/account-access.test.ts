import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import type { HostManifest } from '../../../lib/manifest/index.js';
import { AccountRoot, HASH, manifest, user } from '../support/account-root.js';

/** Until when accounts can be used, and accounts that no one is to use, on an offline root with account files of its own. */
const accounts = new AccountRoot();
const { commits, rollsBack, expectStart, line } = accounts;
const NONE = manifest({});
const absent = (...names: readonly string[]): HostManifest =>
  manifest({ absentUsers: Object.fromEntries(names.map((name) => [name, {}])) });
const alice = (expires?: string): HostManifest =>
  manifest({ users: { alice: user({ uid: 2000, ...(expires === undefined ? {} : { expires }) }) } });
const DAY = '20849'; // 2027-01-31
const shadow = (name: string): string | undefined => line('shadow', name);
const changes = async (wanted: HostManifest) => (await accounts.root.plan(wanted)).changes;
function onHost(...words: readonly string[]): { code: number | null; out: string; err: string } {
  const program = accounts.root.at('/var/lib/citadel-iac/current/bin/back.sh');
  const run = spawnSync('/bin/sh', [program, accounts.root.path, ...words], {
    encoding: 'utf8',
    timeout: 60_000,
  });
  return { code: run.status, out: run.stdout, err: run.stderr };
}
/** Plan and apply as the product does: with the programs that stay on the host. */
async function apply(wanted: HostManifest): Promise<void> {
  const result = await accounts.root.apply(wanted);
  expect(result.outcome, JSON.stringify(result)).toBe('committed');
  expect(await changes(wanted)).toEqual([]);
}

describe('a user who is to be absent', () => {
  it('is locked and has expired, and is as before when the declaration goes', async () => {
    const before = [line('passwd', 'eve'), shadow('eve'), line('group', 'ops')];
    expect(await changes(absent('eve'))).toMatchObject([
      {
        section: 'users',
        key: 'eve',
        action: 'update',
        cause: 'config',
        before: { expires: 'never', locked: false },
        after: { state: 'absent', expires: '1970-01-02', locked: true },
        note: 'can be used no more; the number 1005, the home /home/eve and what runs stay as they are',
      },
    ]);
    await apply(absent('eve'));
    expect(shadow('eve')).toBe(`eve:!${HASH}:19000:0:99999:7::1:`);
    await apply(NONE);
    expect([line('passwd', 'eve'), shadow('eve'), line('group', 'ops')]).toEqual(before);
  });

  it('is as before after an undo', async () => {
    await rollsBack(absent('eve'));
    await expectStart();
  });

  it('is drift when the account can be used again, for the planner and on the host', async () => {
    await apply(absent('eve'));
    accounts.root.shell(`sed -i 's/^eve:!/eve:/;s/::1:$/:::/' etc/shadow`);
    expect(await changes(absent('eve'))).toMatchObject([{ key: 'eve', action: 'update', cause: 'drift' }]);
    expect(onHost('drift')).toMatchObject({ code: 1, out: expect.stringMatching(/update +users +eve/) as string }); // prettier-ignore
    const heal = onHost('to', '1', '--yes');
    expect([heal.code, heal.err, shadow('eve')], heal.out).toEqual([0, '', `eve:!${HASH}:19000:0:99999:7::1:`]); // prettier-ignore
  });

  it('stays locked where it was before, and keeps its own day', async () => {
    accounts.root.shell(`sed -i 's/^eve:\\(.*\\):::$/eve:!\\1::20000:/' etc/shadow`);
    const before = shadow('eve');
    await apply(absent('eve'));
    await apply(NONE);
    expect(shadow('eve')).toBe(before);
  });

  it('is of no matter where there is none, and is never root', async () => {
    expect(await changes(absent('mallory'))).toEqual([]);
    await commits(absent('mallory'));
    accounts.root.shell('echo toor:x:0:0::/root:/bin/sh >>etc/passwd; echo toor:!:19000:::::: >>etc/shadow');
    await expect(accounts.root.plan(absent('toor'))).rejects.toThrow(
      '[box] absentUsers["toor"]: user toor has the uid 0 on this host, and is root by another name. Take the account away by hand, if no one needs it.',
    );
  });

  it('is put back, and locked again, by the host alone', async () => {
    await apply(NONE);
    const before = shadow('eve');
    await apply(absent('eve'));
    const back = onHost('to', '1', '--yes');
    expect([back.code, back.err, shadow('eve')], back.out).toEqual([0, '', before]);
    expect(await changes(NONE)).toEqual([]);
    const again = onHost('to', '2', '--yes');
    expect([again.code, again.err], again.out).toEqual([0, '']);
    expect(shadow('eve')).toBe(`eve:!${HASH}:19000:0:99999:7::1:`);
    expect(await changes(absent('eve'))).toEqual([]);
    await apply(NONE);
    expect(shadow('eve')).toBe(before);
  });

  it('may have been declared, and may be so again', async () => {
    await apply(manifest({ users: { eve: user({ home: '/home/eve' }) } }));
    const before = shadow('eve');
    await apply(absent('eve'));
    await apply(manifest({ users: { eve: user({ home: '/home/eve' }) } }));
    expect(shadow('eve')).toBe(before);
  });
});

describe('a user who expires', () => {
  it('does so from the start, on another day, and no more', async () => {
    await apply(alice('2027-01-31'));
    expect(shadow('alice')?.split(':')[7]).toBe(DAY);
    expect(await changes(alice('2027-02-01'))).toMatchObject([
      { before: { expires: '2027-01-31' }, after: { expires: '2027-02-01' }, cause: 'config' },
    ]);
    await apply(alice('2027-02-01'));
    expect(shadow('alice')?.split(':')[7]).toBe('20850');
    await apply(alice());
    expect(shadow('alice')?.split(':')[7]).toBe('');
  });

  it('is as before after an undo, new or known', async () => {
    await rollsBack(alice('2027-01-31'));
    await expectStart();
    await apply(alice());
    const before = shadow('alice');
    await rollsBack(alice('2027-01-31'));
    expect(shadow('alice')).toBe(before);
  });

  it('is drift when a person says otherwise, whose word stays where the document says nothing', async () => {
    await apply(alice('2027-01-31'));
    accounts.root.shell(`sed -i '/^alice/s/${DAY}/20900/' etc/shadow`);
    expect(await changes(alice('2027-01-31'))).toMatchObject([{ cause: 'drift', before: { expires: '2027-03-23' } }]); // prettier-ignore
    expect(onHost('drift').code).toBe(1);
    const heal = onHost('to', '1', '--yes');
    expect([heal.code, heal.err, shadow('alice')?.split(':')[7]], heal.out).toEqual([0, '', DAY]);
    accounts.root.shell(`sed -i '/^alice/s/${DAY}/20900/' etc/shadow`);
    expect(await changes(alice())).toEqual([]);
  });

  it('goes to a generation on the host with its day', async () => {
    await apply(alice());
    await apply(alice('2027-01-31'));
    for (const [generation, day] of [
      ['1', ''],
      ['2', DAY],
    ] as const) {
      const run = onHost('to', generation, '--yes');
      expect([run.code, run.err, shadow('alice')?.split(':')[7]], run.out).toEqual([0, '', day]);
    }
    expect(await changes(alice('2027-01-31'))).toEqual([]);
  });
});
