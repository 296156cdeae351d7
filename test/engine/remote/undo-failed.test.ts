import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { realEngine } from '../../../lib/cli/engine.js';
import { run } from '../../../lib/cli/run.js';
import { UNIT_SEPARATOR } from '../../../lib/engine/apply/records.js';
import { TRANSACTION } from '../../../lib/engine/apply/programs.js';
import type { HostManifest } from '../../../lib/manifest/index.js';
import { shellDouble } from '../../cli/doubles.js';
import { before, failing, withFault } from '../support/faults.js';
import { OfflineRoot } from '../support/offline-root.js';
import { runText } from '../support/run-text.js';

/** One path that cannot be written blocks nothing else, on a directory that stands for a host. */
const own = { owner: 'root', group: 'root', mode: '0644' } as const;
const files = (contents: Readonly<Record<string, string>>): HostManifest => ({
  version: 1,
  host: 'box',
  files: Object.fromEntries(Object.entries(contents).map(([path, content]) => [path, { content, ...own }])),
});
const TEXTS = { '/etc/a': 'old\n', '/etc/b': 'old\n', '/etc/c': 'old\n' };
const OLD = files(TEXTS);
const NEW = files({ '/etc/a': 'new\n', '/etc/b': 'new\n', '/etc/c': 'new\n' });

let root: OfflineRoot;
beforeEach(async () => {
  desired = { ...OLD, files: { ...OLD.files, ...files({ '/etc/unrelated': 'x\n' }).files } };
  root = new OfflineRoot();
  await root.apply(OLD);
});
afterEach(() => {
  spawnSync('chattr', ['-R', '-f', '-i', '-a', root.path]);
  root.remove();
});

const read = (path: string): string => readFileSync(root.at(path), 'utf8');
const contents = (): string[] => ['a', 'b', 'c'].map((name) => read(`/etc/${name}`));
const copiesBeside = (): string[] =>
  readdirSync(root.at('/etc')).filter((name) => name.startsWith('.citadel'));

/** What the command line tool is told the host should be. */
let desired = files({});

async function cli(...words: string[]): Promise<{ code: number; out: string; err: string }> {
  const shell = shellDouble({
    inventory: `hosts: { box: { root: ${JSON.stringify(root.path)} } }\n`,
    app: { buildHosts: () => [desired] },
  });
  const code = await run(words, { ...shell, engine: () => Promise.resolve(realEngine({})) }, '1');
  return { code, ...shell.printed };
}

const canBeImmutable = ((): boolean => {
  const probe = new OfflineRoot();
  const made = spawnSync('chattr', ['+i', probe.at('/etc/passwd')]).status === 0;
  if (made) spawnSync('chattr', ['-i', probe.at('/etc/passwd')]);
  probe.remove();
  return made;
})();

describe.skipIf(!canBeImmutable)('what cannot be replaced (skipped without root and chattr)', () => {
  it.each([
    ['an immutable file', 'chattr +i etc/b', '/etc/b is immutable', 'chattr -i'],
    ['an append-only file', 'chattr +a etc/b', '/etc/b is append-only', 'chattr -a'],
    ['a file in an immutable directory', 'chattr +i etc', '/etc is immutable', 'chattr -i'],
    ['a file in an append-only directory', 'chattr +a etc', '/etc is append-only', 'chattr -a'],
  ])('is refused before the switch: %s', async (_name, byHand, words, fix) => {
    root.shell(byHand);
    const result = await root.apply(NEW);
    expect(result).toMatchObject({ outcome: 'refused', generation: 1, failure: { step: 'prepare' } });
    expect(result.failure?.output).toContain(words);
    expect(result.failure?.output).toContain(fix);
    expect([contents(), copiesBeside()]).toEqual([['old\n', 'old\n', 'old\n'], []]);
    expect((await root.plan(NEW)).observed.open).toBe(null);
  });

  it('is no obstacle when only its neighbours change, and none when the document was corrected', async () => {
    root.shell('chattr +i etc/b');
    const around = files({ '/etc/a': 'new\n', '/etc/b': 'old\n', '/etc/c': 'new\n' });
    expect((await root.apply(NEW)).outcome).toBe('refused');
    expect((await root.apply(around)).outcome).toBe('committed');
    expect(contents()).toEqual(['new\n', 'old\n', 'new\n']);
  });

  it('is named also deep in a directory that is to be replaced, and for its owner or mode alone', async () => {
    root.shell('mkdir -p opt/d/deep && touch opt/d/deep/file && chattr +i opt/d/deep/file');
    const replaced = await root.apply({
      version: 1,
      host: 'box',
      files: { '/opt/d': { content: 'x', ...own } },
    });
    expect(replaced).toMatchObject({ outcome: 'refused', failure: { item: '/opt/d/deep/file' } });
    root.shell('mkdir opt/e && chattr +i opt/e');
    const mode = await root.apply({
      version: 1,
      host: 'box',
      directories: { '/opt/e': { owner: 'root', group: 'root', mode: '0700' } },
    });
    expect(mode).toMatchObject({ outcome: 'refused', failure: { item: 'directories//opt/e' } });
  });

  it('is left alone by an undo when it was not changed', async () => {
    const script = withFault(before('put_path', `chattr +i '${root.at('/etc/c')}'`));
    const result = await root.apply(NEW, script);
    expect(result).toMatchObject({
      outcome: 'rolled-back',
      failure: { step: 'switch', item: 'files//etc/c' },
    });
    expect([contents(), copiesBeside(), root.leftovers()]).toEqual([['old\n', 'old\n', 'old\n'], [], []]);
  });
});

/** /etc/b becomes immutable when it is new already, and then a step fails. */
const cannotGoBack = (): string =>
  withFault(
    before('await_confirmation', `chattr +i '${root.at('/etc/b')}'; echo planted >"$DIR/words"; return 1`),
  );
const REASON = (): string =>
  `Operation not permitted (/etc/b is immutable. To let it be changed: chattr -i ${root.at('/etc/b')})`;

describe.skipIf(!canBeImmutable)('a path that cannot be put back (skipped without root and chattr)', () => {
  beforeEach(async () => {
    const result = await root.apply(NEW, cannotGoBack());
    expect(result).toMatchObject({
      outcome: 'undo-failed',
      failure: { output: 'planted' },
      notes: [`could not be undone: /etc/b: ${REASON()}`],
      next: expect.stringContaining('"citadel-iac resolve box"') as string,
    });
    expect([contents(), copiesBeside()]).toEqual([['old\n', 'new\n', 'old\n'], []]);
  });

  it('is named by the next plan, the doctor and every later refusal', async () => {
    const plan = await root.plan(NEW);
    expect(plan.notes.join()).toContain(`/etc/b: ${REASON()}`);
    expect(plan.observed.open).toMatchObject({
      running: false,
      who: 'test@here',
      state: 'undo-failed',
      left: [{ kind: 'path', item: '/etc/b', reason: REASON() }],
    });
    for (let again = 0; again < 2; again += 1) {
      const later = await cli('apply', '--yes');
      expect(later.code).toBe(4);
      expect(later.out).toContain(`  /etc/b: ${REASON()}`);
      expect(later.out).toContain('"citadel-iac resolve box"');
    }
    const doctor = await cli('doctor');
    expect(doctor.out).toContain(`could not undo /etc/b: ${REASON()}`);
    expect(doctor.out).toContain('citadel-iac resolve box');
    expect(existsSync(root.at('/etc/unrelated'))).toBe(false);
  });

  it('is put back by the next apply once it can be, and nothing else is', async () => {
    root.write('/etc/a', 'by hand, to keep the service alive\n');
    root.shell(`sed -i '$acarol:x:1001:1001::/home/carol:/bin/sh' etc/passwd
      sed -i '$ahandmade:x:1002:' etc/group
      mkdir -p etc/systemd/system && ln -s /dev/null etc/systemd/system/masked.service
      chattr -i etc/b`);
    desired = files({ ...TEXTS, '/etc/a': 'by hand, to keep the service alive\n', '/etc/unrelated': 'x\n' });
    const later = await cli('apply', '--yes');
    expect(later.code).toBe(0);
    expect(contents()).toEqual(['by hand, to keep the service alive\n', 'old\n', 'old\n']);
    expect(read('/etc/passwd')).toContain('carol');
    expect(read('/etc/group')).toContain('handmade');
    expect(existsSync(root.at('/etc/unrelated'))).toBe(true);
    expect(root.leftovers()).toEqual([]);
  });

  it('is all that a boot tries again, as often as it boots', async () => {
    const id = (await root.plan(NEW)).observed.open?.id ?? '';
    for (const text of ['by hand\n', 'by hand again\n']) {
      root.write('/etc/a', text);
      root.write('/etc/group', `${read('/etc/group')}handmade:x:1002:\n`);
      root.shell('mkdir -p etc/systemd/system && ln -sfn /dev/null etc/systemd/system/masked.service');
      await root.recover(id);
      expect(contents()).toEqual([text, 'new\n', 'old\n']);
      expect(read('/etc/group')).toContain('handmade');
      expect(spawnSync('readlink', [root.at('/etc/systemd/system/masked.service')]).status).toBe(0);
    }
    root.shell('chattr -i etc/b');
    await root.recover(id);
    expect(contents()).toEqual(['by hand again\n', 'old\n', 'old\n']);
    expect(read('/etc/group')).toContain('handmade');
    expect((await root.plan(NEW)).observed.open).toBe(null);
  });

  it('and was changed since by a person stays as that person left it, with a copy of before', async () => {
    root.shell('chattr -i etc/b && echo mine >etc/b');
    expect((await cli('resolve', 'box', '--retry', '--yes')).code).toBe(0);
    expect(read('/etc/b')).toBe('mine\n');
    const kept = root.at('/var/lib/citadel-iac/kept');
    expect(readFileSync(join(kept, readdirSync(kept)[0] ?? '', 'tree/etc/b'), 'utf8')).toBe('old\n');
  });

  it('is shown, and asked about, before anything is decided', async () => {
    const shown = await cli('resolve', 'box');
    expect(shown.code).toBe(4);
    expect(shown.out).toMatch(
      /box: could not undo a transaction of test@here from \d{4}-[^ ]* \([0-9a-f-]+\)\n {2}✗ \/etc\/b: Operation not permitted \(\/etc\/b is immutable\. To let it be changed: chattr -i .*\)\n {6}now: {4}file 0644 root:root, 4 bytes, as that transaction put it\n {6}before: \/.*\/undo\/a\.tree\/etc\/b\n/,
    );
    for (const how of ['--retry', '--accept']) {
      const refused = await cli('resolve', 'box', how);
      expect([refused.code, refused.err]).toEqual([1, expect.stringContaining('again with --yes') as string]);
    }
    const json = JSON.parse((await cli('resolve', 'box', '--json')).out) as object;
    expect(json).toMatchObject({
      hosts: { box: { left: [{ kind: 'path', item: '/etc/b', whose: 'transaction' }] } },
    });
    expect((await root.plan(NEW)).observed.open).not.toBe(null);
  });

  it('is tried again on request, and is left when that fails again', async () => {
    const again = await cli('resolve', 'box', '--retry', '--yes');
    expect([again.code, again.out]).toEqual([4, expect.stringContaining(`/etc/b: ${REASON()}`) as string]);
    root.shell('chattr -i etc/b');
    const done = await cli('resolve', 'box', '--retry', '--yes');
    expect([done.code, contents()]).toEqual([0, ['old\n', 'old\n', 'old\n']]);
    const nothing = await cli('resolve', 'box');
    expect([nothing.code, nothing.out]).toEqual([0, 'box: nothing to resolve. No transaction is open.\n']);
    expect(root.leftovers()).toEqual([]);
  });

  it('may be accepted: the host can be managed again, and what was before is kept', async () => {
    const accepted = await cli('resolve', 'box', '--accept', '--yes');
    expect(accepted.code).toBe(0);
    const folder = /kept in (\S+) on the host/.exec(accepted.out)?.[1] ?? '';
    expect(readFileSync(root.at(`${folder}/etc/b`), 'utf8')).toBe('old\n');
    expect(readFileSync(root.at(`${folder}/../left`), 'utf8')).toContain('/etc/b');
    expect([contents(), root.leftovers()]).toEqual([['old\n', 'new\n', 'old\n'], []]);
    desired = files({ ...TEXTS, '/etc/b': 'new\n', '/etc/unrelated': 'x\n' });
    const later = await cli('apply', '--yes');
    expect([later.code, existsSync(root.at('/etc/unrelated'))]).toEqual([0, true]);
    expect(existsSync(root.at(`${folder}/etc/b`))).toBe(true);
  });
});

it('there is nothing to accept of what nothing has tried to undo yet', async () => {
  await root.runDirectly(await root.plan(NEW), withFault(before('put_path', 'kill -KILL $$; exit 137', 2)));
  const refused = await cli('resolve', 'box', '--accept', '--yes');
  expect([refused.code, refused.err]).toEqual([1, expect.stringContaining('--retry') as string]);
  expect((await cli('resolve', 'box')).out).toContain('was interrupted (switching)');
  expect((await cli('resolve', 'box', '--retry', '--yes')).code).toBe(0);
  expect(contents()).toEqual(['old\n', 'old\n', 'old\n']);
});

describe('what changed meanwhile', () => {
  const failAfter = (action: string): string =>
    withFault(
      before('await_confirmation', `(cd '${root.path}' && ${action}); echo planted >"$DIR/words"; return 1`),
    );

  it.each([
    ['content', "echo 'a line more' >>etc/b", 'new\na line more\n'],
    ['another file in its place', 'rm etc/b; echo mine >etc/b', 'mine\n'],
  ])('stays, is named, and what was before is kept: %s', async (_name, byHand, stays) => {
    const result = await root.apply(NEW, failAfter(byHand));
    expect(result.outcome).toBe('rolled-back');
    expect(contents()).toEqual(['old\n', stays, 'old\n']);
    const note = result.notes.find((text) => text.startsWith('/etc/b was changed by others meanwhile')) ?? '';
    const kept = / kept in (.*)$/.exec(note)?.[1] ?? '';
    expect(readFileSync(kept, 'utf8')).toBe('old\n');
    expect(root.leftovers()).toEqual([]);
  });

  it('stays also where nothing was before', async () => {
    const more = files({ ...TEXTS, '/etc/d': 'new\n' });
    const result = await root.apply(more, failAfter('echo mine >etc/d'));
    expect([result.outcome, read('/etc/d')]).toEqual(['rolled-back', 'mine\n']);
    expect(result.notes.join()).toContain('/etc/d was not there before');
  });

  it('and was taken away comes back', async () => {
    const result = await root.apply(NEW, failAfter('rm etc/b'));
    expect([result.outcome, contents()]).toEqual(['rolled-back', ['old\n', 'old\n', 'old\n']]);
  });
});

describe('what comes to stand at a path between its keeping and its turn', () => {
  const D = files({ ...TEXTS, '/srv/d/x': 'new\n' });
  const coming = (action: string): string => before('put_path', `(cd '${root.path}' && ${action})`);

  it('comes back with an undo', async () => {
    const script = withFault(
      `${coming('mkdir -p srv/d && echo precious >srv/d/x')}\n${failing('await_confirmation')}`,
    );
    const result = await root.apply(D, script);
    expect([result.outcome, read('/srv/d/x')]).toEqual(['rolled-back', 'precious\n']);
  });

  it('behind a link comes back there, and the link stays', async () => {
    root.write('/opt/data/x', 'precious\n');
    const script = withFault(
      `${coming('mkdir -p srv && ln -s ../opt/data srv/d')}\n${failing('await_confirmation')}`,
    );
    const result = await root.apply(D, script);
    expect([result.outcome, read('/opt/data/x')]).toEqual(['rolled-back', 'precious\n']);
    expect(spawnSync('readlink', [root.at('/srv/d')]).stdout.toString()).toBe('../opt/data\n');
  });

  it('is replaced when the transaction ends well, as any file is', async () => {
    const result = await root.apply(D, withFault(coming('mkdir -p srv/d && echo precious >srv/d/x')));
    expect([result.outcome, read('/srv/d/x')]).toEqual(['committed', 'new\n']);
  });

  it('is never cleared away as a directory', async () => {
    const script = withFault(coming('mkdir -p srv/d/x && echo precious >srv/d/x/y'));
    const result = await root.apply(D, script);
    expect([result.outcome, read('/srv/d/x/y')]).toEqual(['rolled-back', 'precious\n']);
  });

  it('stays in a directory that was to be replaced', async () => {
    root.shell('mkdir -p srv/d && echo kept >srv/d/kept');
    const script = withFault(coming('echo precious >srv/d/y'));
    const result = await root.apply({ ...OLD, symlinks: { '/srv/d': { target: 'elsewhere' } } }, script);
    expect([result.outcome, read('/srv/d/y'), read('/srv/d/kept')]).toEqual([
      'rolled-back',
      'precious\n',
      'kept\n',
    ]);
  });
});

describe('a transaction whose payload is gone', () => {
  const staged = async (): Promise<string> => {
    const id = 'abc-1';
    await root.stage(await root.plan(NEW), id, TRANSACTION.script);
    writeFileSync(join(root.staging(id), 'alive'), '');
    return id;
  };
  const start = (id: string): number | null => runText(TRANSACTION.script, [root.path, 'run', id]).status;

  it('because it was taken for dead does nothing when it begins after all', async () => {
    const id = await staged();
    await root.recover(id);
    expect(root.records(id).outcome).toBe('refused');
    start(id);
    expect(root.records(id).progress.match(/^end/gm)).toHaveLength(1);
    expect([root.generation, contents()]).toEqual([1, ['old\n', 'old\n', 'old\n']]);
  });

  it('because it was swept away does nothing, and makes nothing', async () => {
    const id = await staged();
    rmSync(root.staging(id), { recursive: true });
    start(id);
    expect([root.generation, existsSync(root.staging(id))]).toEqual([1, false]);
  });

  it.each(['complete', 'expect.request', 'ops/paths-a', 'manifest.json', 'ops'])(
    'in part is refused: %s',
    async (part) => {
      const id = await staged();
      rmSync(join(root.staging(id), part), { recursive: true });
      start(id);
      expect(root.records(id).outcome).toBe('refused');
      const { progress } = root.records(id);
      const failure = progress.split('\n').find((line) => line.startsWith('failure')) ?? '';
      const [, step, , words = ''] = failure.split(UNIT_SEPARATOR);
      expect([step, Buffer.from(words, 'base64').toString('utf8')]).toEqual([
        'prepare',
        expect.stringContaining('apply again'),
      ]);
      expect([root.generation, contents()]).toEqual([1, ['old\n', 'old\n', 'old\n']]);
    },
  );

  it('with an empty request is refused', async () => {
    const id = await staged();
    writeFileSync(join(root.staging(id), 'expect.request'), '');
    start(id);
    expect([root.records(id).outcome, root.generation]).toEqual(['refused', 1]);
  });

  it('while it is being ended waits, and then does nothing', async () => {
    const id = await staged();
    const folder = root.staging(id);
    const held = spawnSync('/bin/sh', [
      '-c',
      `exec 6>>'${folder}/alive' && flock 6
       /bin/sh '${folder}/bin/tx.sh' '${root.path}' run ${id} 6>&- & begun=$!
       sleep 0.3; [ ! -e '${folder}/pid' ] || exit 9
       echo refused >'${folder}/outcome'; exec 6>&-; wait $begun`,
    ]);
    expect([held.status === 9, root.generation, contents()]).toEqual([false, 1, ['old\n', 'old\n', 'old\n']]);
  });
});

it('keeps copies of what was not put back for as long as generations', async () => {
  const kept = root.at('/var/lib/citadel-iac/kept');
  for (const [name, age] of [
    ['ancient', '2 years ago'],
    ['recent', 'yesterday'],
  ] as const) {
    mkdirSync(join(kept, name, 'tree'), { recursive: true });
    spawnSync('touch', ['-d', age, join(kept, name)]);
  }
  expect((await root.apply(NEW)).outcome).toBe('committed');
  expect(readdirSync(kept)).toEqual(['recent']);
});
