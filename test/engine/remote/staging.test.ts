import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  applyPlan,
  pinGeneration,
  readHistory,
  readManifest,
  systemDeps,
} from '../../../lib/engine/index.js';
import { APPLY } from '../../../lib/engine/apply/programs.js';
import { pathProblem, type HostManifest } from '../../../lib/manifest/index.js';
import { before, failing, killing, oneByOne, withFault } from '../support/faults.js';
import { OfflineRoot } from '../support/offline-root.js';
import { treeDifferences, treeFingerprint } from '../support/tree-fingerprint.js';

/** A whole apply on a directory that stands for a host: staged, started, followed, ended. */
const own = { owner: 'root', group: 'root', mode: '0644' };
const SECRET = 'planted-secret-7c1f';
const one = (content = 'x\n'): HostManifest => ({
  version: 1,
  host: 'box',
  files: { '/etc/one': { content, ...own } },
});
const withSecret: HostManifest = {
  version: 1,
  host: 'box',
  files: {
    '/etc/secret': { secret: 'token', owner: 'root', group: 'root', mode: '0600' },
    '/etc/one': { content: 'x\n', ...own },
  },
};

let root: OfflineRoot;
beforeEach(() => {
  root = new OfflineRoot();
});
afterEach(() => root.remove());

/** Files of ours in which the secret stands. */
const places = (): string[] =>
  spawnSync('grep', ['-rlF', SECRET, root.at('/var/lib/citadel-iac')])
    .stdout.toString('utf8')
    .split('\n')
    .filter(Boolean);

async function applySecret(transactionScript?: string): ReturnType<typeof applyPlan> {
  return applyPlan(
    await root.transport(),
    await root.plan(withSecret, { token: SECRET }),
    { who: 'test@here' },
    { ...systemDeps, ...(transactionScript === undefined ? {} : { transactionScript }) },
  );
}

describe('a secret', () => {
  it('stands nowhere but in its file and, for root alone, in what its generation keeps for the way back', async () => {
    expect((await applySecret()).outcome).toBe('committed');
    expect(readFileSync(root.at('/etc/secret'), 'utf8')).toBe(SECRET);
    const kept = root.at('/var/lib/citadel-iac/generations/1/secrets');
    expect(places()).toEqual([join(kept, 'token')]);
    expect([statSync(kept).mode & 0o777, statSync(join(kept, 'token')).mode & 0o777]).toEqual([0o700, 0o600]);
  });

  it.each([
    ['a refusal', failing('compare'), 'refused'],
    ['an undo', failing('put_path', 2), 'rolled-back'],
    ['a death before anything was touched', killing('compare'), 'refused'],
    ['a death in the middle', killing('put_path', 2), 'rolled-back'],
  ])('is gone after %s', async (_name, fault, outcome) => {
    expect((await applySecret(withFault(fault))).outcome).toBe(outcome);
    expect(existsSync(root.at('/etc/secret'))).toBe(false);
    expect(places()).toEqual([]);
    expect(root.leftovers()).toEqual([]);
  });

  it('is gone when the upload was cut short', async () => {
    const half = await new Promise<string>((resolve) => {
      const child = spawn('/bin/sh', ['-c', APPLY.script, 'citadel-apply', root.path]);
      let said = '';
      child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString('utf8')));
      child.on('close', () => resolve(said));
      const archive = spawnSync('tar', ['-cf', '-', '-C', root.at('/etc'), 'passwd']).stdout;
      child.stdin.end(Buffer.concat([Buffer.from('abc-1\n'), archive, Buffer.from(SECRET)]));
    });
    expect(half).toMatch(/^unstaged/);
    expect(readdirSync(root.at('/var/lib/citadel-iac/staging'))).toEqual([]);
  });

  it('of an upload whose receiver was killed is gone after the next apply', async () => {
    const child = spawn('/bin/sh', ['-c', APPLY.script, 'citadel-apply', root.path], { detached: true });
    root.write('/etc/large', Buffer.alloc(200_000));
    const archive = spawnSync('tar', ['-cf', '-', '-C', root.at('/etc'), 'large']).stdout;
    child.stdin.write(Buffer.concat([Buffer.from('abc-1\n'), archive.subarray(0, 150_000)]));
    const partial = root.at('/var/lib/citadel-iac/staging/abc-1.partial');
    await expect.poll(() => existsSync(join(partial, 'large')), { timeout: 60_000 }).toBe(true);
    process.kill(-(child.pid ?? 0), 'SIGKILL');
    await new Promise((resolve) => child.on('close', resolve));
    expect(existsSync(partial)).toBe(true);
    expect((await root.apply(one())).outcome).toBe('committed');
    expect(existsSync(partial)).toBe(false);
  });
});

describe('generations', () => {
  it('are counted on after a refusal, and a rollback takes no number', async () => {
    expect((await root.apply(one('1'))).generation).toBe(1);
    expect(await root.apply(one('2'), withFault([oneByOne, failing('put_file')].join('\n')))).toMatchObject({
      outcome: 'rolled-back',
      generation: 1,
      failure: { step: 'switch', item: 'files//etc/one', output: 'planted' },
    });
    expect((await root.apply(one('2'))).generation).toBe(2);
  });

  it('share on the disk what is equal, and compress the documents of all but the current one', async () => {
    const at = (name: string): string => root.at(`/var/lib/citadel-iac/generations/${name}`);
    const inode = (name: string): number => statSync(at(name)).ino;
    await applySecret();
    await root.apply({ ...withSecret, symlinks: { '/etc/more': { target: 'secret' } } });
    await root.apply({ ...withSecret, symlinks: { '/etc/more': { target: 'one' } } });
    expect(inode('1/bin/tx.sh')).toBe(inode('3/bin/tx.sh'));
    expect(inode('2/secrets/token')).toBe(inode('3/secrets/token'));
    expect(existsSync(at('2/manifest.json'))).toBe(false);
    expect(existsSync(at('3/manifest.json'))).toBe(true);
    expect(await readManifest(await root.transport(), 2)).toMatchObject({ symlinks: { '/etc/more': {} } });
  });

  it('go by their age as well, but for the newest three, pinned ones and those of unknown age', async () => {
    await root.apply(one('1'));
    const generations = root.at('/var/lib/citadel-iac/generations');
    for (const [n, time] of [
      [2, '2020-01-01T00:00:00Z'],
      [3, '2020-01-01T00:00:00Z'],
      [4, ''],
      [5, new Date().toISOString()],
      [6, '2020-01-01T00:00:00Z'],
      [7, '2020-01-01T00:00:00Z'],
    ] as const) {
      mkdirSync(join(generations, String(n)));
      writeFileSync(join(generations, String(n), 'time'), `${time}\n`);
    }
    await pinGeneration(await root.transport(), 3, true);
    await expect(pinGeneration(await root.transport(), 99, true)).rejects.toThrow('has no generation 99');
    const plan = await root.plan(one('2'));
    const retention = { keep: 100, maxAgeDays: 30 };
    await applyPlan(await root.transport(), plan, { who: 'test@here', retention }, systemDeps);
    expect(readdirSync(generations).sort()).toEqual(['1', '3', '4', '5', '6', '7', '8']);
    const history = await readHistory(await root.transport());
    expect(history.filter(({ pinned }) => pinned).map(({ generation }) => generation)).toEqual([3]);

    await pinGeneration(await root.transport(), 3, false);
    await applyPlan(
      await root.transport(),
      await root.plan(one('3')),
      { who: 'test@here', retention: { keep: 3 } },
      systemDeps,
    );
    expect(readdirSync(generations).sort()).toEqual(['7', '8', '9']);
  });

  it.each([
    ['is years ahead', '1095 days ago'],
    ['was set back', '20 days'],
  ])('stay where the clock %s, or may be', async (_, newest) => {
    await root.apply(one('1'));
    const generations = root.at('/var/lib/citadel-iac/generations');
    root.shell(`cd var/lib/citadel-iac/generations
      date -u -d '${newest}' +%Y-%m-%dT%H:%M:%SZ >1/time
      for n in 2 3 4 5 6 7; do mkdir $n; date -u -d '1200 days ago' +%Y-%m-%dT%H:%M:%SZ >$n/time; done
      mkdir -p ../kept/ab; touch -d '1200 days ago' ../kept/ab`);
    expect((await root.apply(one('2'))).generation).toBe(8);
    expect(readdirSync(generations).sort()).toEqual(['1', '2', '3', '4', '5', '6', '7', '8']);
    expect(existsSync(root.at('/var/lib/citadel-iac/kept/ab'))).toBe(true);
  });

  it('keep the last twenty, and those that are pinned', async () => {
    await root.apply(one('1'));
    const generations = root.at('/var/lib/citadel-iac/generations');
    for (let n = 2; n <= 24; n += 1) mkdirSync(join(generations, String(n)));
    writeFileSync(join(generations, '3', 'pinned'), '');
    mkdirSync(join(generations, 'by hand'));
    expect((await root.apply(one('2'))).generation).toBe(25);
    const kept = ['by hand', '3', ...Array.from({ length: 20 }, (_, index) => String(index + 6))];
    expect(readdirSync(generations).sort()).toEqual(kept.sort());
  });
});

describe('another transaction', () => {
  it('is told who is at work and since when, and may wait', async () => {
    const go = root.at('/go');
    const slow = withFault(before('put_path', `while [ ! -e '${go}' ]; do sleep 0.05; done`));
    const plan = await root.plan(one('1'));
    const first = applyPlan(
      await root.transport(),
      plan,
      { who: 'anna@laptop' },
      { ...systemDeps, transactionScript: slow },
    );
    await expect.poll(() => existsSync(root.at('/var/lib/citadel-iac/open')), { timeout: 60_000 }).toBe(true);

    const refused = await root.apply(one('2'));
    expect(refused).toMatchObject({ outcome: 'locked', failure: { step: 'lock' } });
    expect(refused.failure?.output).toMatch(
      /^anna@laptop has held the lock since \d{4}-\d\d-\d\dT[\d:]{8}Z$/,
    );

    const waiting = applyPlan(await root.transport(), plan, { who: 'ben@desk', waitSec: 20 }, systemDeps);
    writeFileSync(go, '');
    expect((await first).outcome).toBe('committed');
    // It planned for a host that has moved on in the meantime.
    expect(await waiting).toMatchObject({ outcome: 'refused', failure: { step: 'compare' } });
    rmSync(go);
  });
});

describe('what stays of a run that has ended', () => {
  const staged = (): string[] => readdirSync(root.at('/var/lib/citadel-iac/staging'));
  const undone = (text: string) =>
    root.apply(one(text), withFault([oneByOne, failing('put_file')].join('\n')));
  const age = (): void => root.shell("find var/lib/citadel-iac/staging -exec touch -h -d '1 hour ago' {} +");

  it('is nothing where it never began', async () => {
    await root.apply(one('1'));
    const plan = await root.plan(one('2'));
    const apply = async () => applyPlan(await root.transport(), plan, { who: 'test@here' }, systemDeps);
    const holder = spawn('flock', ['-o', root.at('/var/lib/citadel-iac/lock'), 'sleep', '60']);
    await expect
      .poll(() => spawnSync('flock', ['-n', root.at('/var/lib/citadel-iac/lock'), 'true']).status)
      .toBe(1);
    expect((await apply()).outcome).toBe('locked');
    expect(staged()).toEqual([]);
    holder.kill();
    root.write('/etc/one', 'by hand');
    await expect.poll(async () => (await apply()).failure?.step).toBe('compare');
    expect(staged()).toEqual([]);
  });

  it('are the newest three that were undone, and those of the last minutes', async () => {
    for (const text of ['1', '2', '3', '4']) {
      expect((await undone(text)).outcome).toBe('rolled-back');
      age();
    }
    const before = staged();
    expect((await undone('5')).outcome).toBe('rolled-back');
    expect(staged()).toHaveLength(4);
    expect(before.filter((id) => staged().includes(id))).toHaveLength(3);
    for (const text of ['6', '7']) await undone(text);
    age();
    expect((await root.apply(one('8'))).outcome).toBe('committed');
    expect(staged()).toHaveLength(3);
  });

  it('is everything where not all could be undone, for as long as that is open', async () => {
    const stuck = [oneByOne, failing('put_file'), failing('restore_paths', 1, 9)].join('\n');
    expect((await root.apply(one('1'), withFault(stuck))).outcome).toBe('undo-failed');
    const [id = ''] = staged();
    for (const text of ['2', '3', '4', '5']) {
      age();
      expect((await root.apply(one(text), withFault(stuck))).failure?.step).toBe('recover');
      expect(existsSync(root.at(`/var/lib/citadel-iac/staging/${id}/undo/left`))).toBe(true);
    }
  });
});

describe('an operator who has had enough', () => {
  const refused = {
    outcome: 'refused',
    failure: { step: 'cancelled', output: 'cancelled by the operator' },
  };

  it('while the transaction is being sent gets his host back as it was', async () => {
    const abort = new AbortController();
    abort.abort();
    const plan = await root.plan(withSecret, { token: SECRET });
    const options = { who: 'test@here', signal: abort.signal };
    expect(await applyPlan(await root.transport(), plan, options, systemDeps)).toMatchObject(refused);
    expect(existsSync(root.at('/etc/one'))).toBe(false);
    expect(readdirSync(root.at('/var/lib/citadel-iac/staging'))).toEqual([]);
  });

  it('need not wait for the lock any longer', async () => {
    await root.apply(one('1'));
    const holder = spawn('flock', [root.at('/var/lib/citadel-iac/lock'), 'sleep', '60']);
    const abort = new AbortController();
    const waiting = applyPlan(
      await root.transport(),
      await root.plan(one('2')),
      { who: 'test@here', waitSec: 60, signal: abort.signal },
      systemDeps,
    );
    const staging = root.at('/var/lib/citadel-iac/staging');
    await expect
      .poll(() => readdirSync(staging).some((id) => existsSync(join(staging, id, 'pid'))), {
        timeout: 60_000,
      })
      .toBe(true);
    abort.abort();
    expect(await waiting).toMatchObject({ ...refused, generation: 1 });
    expect(holder.exitCode).toBe(null);
    holder.kill();
  });
});

describe('what stands in the way and cannot be kept', () => {
  it.each([
    ['a socket', `python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind("etc/one/s")'`, '/etc/one/s'],
    ['a line end in a name', `touch "etc/one/a"$'\\n'"b"`, 'line end'],
  ])('is named, and nothing is touched: %s', async (_name, byHand, words) => {
    root.shell(`mkdir etc/one && ${byHand}`);
    const result = await root.apply(one());
    expect(result).toMatchObject({ outcome: 'refused', failure: { step: 'prepare' } });
    expect(result.failure?.output).toContain(words);
    expect(result.failure?.output).toContain('cannot be kept for the way back');
    expect(statSync(root.at('/etc/one')).isDirectory()).toBe(true);
  });
});

describe('paths of any name', () => {
  const character = fc.oneof(
    fc.constantFrom(...' \'"`$(){}[]*?!\\|&;<>#~=%^,:+-.@'.split('')),
    fc.string({ unit: 'grapheme', minLength: 1, maxLength: 1 }),
  );
  const component = fc
    .array(character, { minLength: 1, maxLength: 12 })
    .map((characters) => characters.join(''))
    .filter((name) => pathProblem(`/opt/${name}`) === undefined && !name.includes('/'));
  const awkward = [
    '-rf',
    '--',
    '$(reboot)',
    '`id`',
    "it's",
    'a\\nb',
    ' ',
    '*',
    '~',
    '#x',
    'é漢🙂',
    '-',
    '[a]',
    '\\',
    '%s',
  ];

  it('come and go and leave the same tree', async () => {
    root.write('/opt/foreign', 'stays\n');
    await root.apply({ version: 1, host: 'box' });
    const empty = await treeFingerprint(root.path);
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(component, { minLength: 1, maxLength: 4 }), async (names) => {
        const all = [...new Set([...names, ...awkward])];
        const manifest: HostManifest = {
          version: 1,
          host: 'box',
          directories: Object.fromEntries(all.map((name) => [`/opt/d/${name}`, { ...own, mode: '0755' }])),
          files: Object.fromEntries(all.map((name) => [`/opt/d/${name}/${name}`, { content: name, ...own }])),
          symlinks: Object.fromEntries(all.map((name) => [`/opt/l/${name}`, { target: name }])),
        };
        expect((await root.apply(manifest)).outcome).toBe('committed');
        for (const name of all) expect(readFileSync(root.at(`/opt/d/${name}/${name}`), 'utf8')).toBe(name);
        expect((await root.plan(manifest)).changes).toEqual([]);

        const gone = await root.plan({ version: 1, host: 'box' });
        const undone = await root.runDirectly(gone, withFault(failing('await_confirmation')));
        expect([undone.outcome, undone.stderr]).toEqual(['rolled-back', '']);
        expect((await root.plan(manifest)).changes).toEqual([]);

        expect((await root.apply({ version: 1, host: 'box' })).outcome).toBe('committed');
        root.shell('rmdir --ignore-fail-on-non-empty opt/d opt/l 2>/dev/null || true');
        expect(treeDifferences(empty, await treeFingerprint(root.path))).toEqual([]);
      }),
      { numRuns: 4 },
    );
  }, 120_000);
});
