import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { UNIT_SEPARATOR } from '../../../lib/engine/apply/records.js';
import type { HostManifest, ManifestFile } from '../../../lib/manifest/index.js';
import { withFault } from '../support/faults.js';
import { OfflineRoot, type DirectRun } from '../support/offline-root.js';

/** That a generation counts only when the host is what the document says, whatever happened to it meanwhile. */
const file = (content: string): ManifestFile => ({ content, owner: 'svc', group: 'svc', mode: '0640' });
const TAB_AND_MORE = 'a\tb\n\n# x\\n $y "z"\n';
const DOCUMENT: HostManifest = {
  version: 1,
  host: 'box',
  groups: { team: { system: false, gid: 901 } },
  directories: { '/opt/app': { owner: 'svc', group: 'team', mode: '2750' } },
  files: {
    '/opt/app/a b': file('one\n'),
    '/opt/app/secret': { secret: 'pin', owner: 'root', group: 'root', mode: '0600' },
  },
  symlinks: { '/opt/link': { target: 'app/a b' } },
  blocks: { '/etc/shared.conf': { first: TAB_AND_MORE, empty: '' } },
  units: {
    'app.service': {
      enabled: null,
      state: 'any',
      restartOn: ['/opt/app/a b'],
      reloadOn: [],
      wave: 0,
    },
  },
};
const root = new OfflineRoot();

beforeAll(async () => {
  root.write('/etc/shared.conf', 'foreign \xff line\n');
  root.write('/opt/old/conf', 'theirs\n');
  root.write('/opt/old/state.db', 'state\n');
  root.shell('ln -s old opt/linked; touch opt/leaving');
  const run = await root.runDirectly(
    await root.plan({ ...DOCUMENT, files: { '/opt/new': file('new\n'), '/etc/leaves': file('x\n') } }),
  );
  expect([run.outcome, run.stderr, words(run)]).toEqual(['committed', '', '']);
  root.keep();
});
afterEach(() => root.reset());
afterAll(() => root.remove());

function words(run: DirectRun): string {
  const failure = run.progress.split('\n').find((line) => line.startsWith('failure'));
  const [, step = '', item = '', text = ''] = failure?.split(UNIT_SEPARATOR) ?? [];
  return failure === undefined ? '' : `${step} ${item}: ${Buffer.from(text, 'base64').toString('utf8')}`;
}

/** Applies the document while something else does `meanwhile` to the host, after all of the transaction's own steps. */
async function disturbed(meanwhile: string, manifest = DOCUMENT): Promise<DirectRun> {
  const plan = await root.plan(manifest, { pin: '1234' });
  return root.runDirectly(
    plan,
    withFault(`await_confirmation() { (cd "$ROOT" && ${meanwhile}) || exit 9; }`),
  );
}

describe('a transaction', () => {
  it('that nothing disturbs is committed, and leaves no record of digests but its index', async () => {
    const run = await disturbed('true');
    expect([run.outcome, run.stderr, words(run)]).toEqual(['committed', '', '']);
    expect((await root.plan(DOCUMENT, { pin: '1234' })).changes).toEqual([]);
    root.shell('! test -e var/lib/citadel-iac/current/ops/after');
  });

  it.each([
    [
      'the content of a file',
      'echo two >"opt/app/a b"',
      /^prove \/opt\/app\/a b: \/opt\/app\/a b: expected the content of the document, found other content\. Either app\.service \(restarted/,
    ],
    ['a secret', 'echo 9876 >opt/app/secret', /^prove \/opt\/app\/secret: .*found other content/],
    [
      'the mode of a directory',
      'chmod 755 opt/app',
      /expected a directory of svc:team, mode 2750, found a directory of svc:team, mode (2)?755/,
    ],
    [
      'an owner',
      'chown 0:778 "opt/app/a b"',
      /expected a file of svc:svc, mode 640, found a file of root:svc, mode 640/,
    ],
    ['a link', 'ln -sfn /x opt/link', /\/opt\/link: expected a link to app\/a b, found a link to \/x\b/],
    ['a path that is gone', 'rm opt/link', /\/opt\/link: expected a link to app\/a b, found nothing/],
    ['a path that came back', 'echo x >etc/leaves', /\/etc\/leaves: expected nothing there, found a file/],
    [
      'one line of a block',
      "sed -i 's/^# x/# y/' etc/shared.conf",
      /expected the text of the document in the block "first", found another/,
    ],
    [
      'a block that is gone',
      "sed -i '/citadel-iac empty/d' etc/shared.conf",
      /expected the block "empty", found none/,
    ],
    ['a group', "sed -i 's/^team:x:901/team:x:902/' etc/group", /^prove .*team/s],
  ])('fails for %s that something else changed, and says what is there', async (_, meanwhile, said) => {
    const run = await disturbed(meanwhile);
    expect(words(run)).toMatch(said);
    expect(words(run)).not.toMatch(/1234|9876|[0-9a-f]{64}/);
    expect([run.outcome, run.stderr]).toEqual(['rolled-back', '']);
    expect(root.generation).toBe(1);
  });

  it('is not disturbed by what others write outside of our blocks', async () => {
    const run = await disturbed("printf 'their \\377 line' >>etc/shared.conf");
    expect([run.outcome, run.stderr, words(run)]).toEqual(['committed', '', '']);
  });

  it('names some of many differences', async () => {
    const files = Object.fromEntries(
      Array.from({ length: 30 }, (_, n) => [`/opt/many/${String(n)}`, file(`${String(n)}\n`)]),
    );
    const run = await disturbed('for f in opt/many/*; do echo x >"$f"; done', { ...DOCUMENT, files });
    expect(run.outcome).toBe('rolled-back');
    expect(words(run).match(/expected the content/g)).toHaveLength(20);
    expect(words(run)).toContain('and 10 more');
  });
});

describe('a directory in the place of a link', () => {
  const manifest: HostManifest = {
    version: 1,
    host: 'box',
    directories: { '/opt/linked': { owner: 'root', group: 'root', mode: '0755' } },
    files: { '/opt/linked/conf': { content: 'theirs\n', owner: 'root', group: 'root', mode: '0644' } },
    blocks: { '/opt/linked/shared': { mine: 'line\n' } },
  };

  it('gets the files that the link only led to, and what it led to stays', async () => {
    root.write('/opt/old/shared', 'foreign\n');
    const plan = await root.plan(manifest);
    expect(plan.changes.map(({ key, action }) => `${action} ${key}`)).toEqual(
      expect.arrayContaining(['update /opt/linked', 'create /opt/linked/conf', 'create /opt/linked/shared']),
    );
    expect(plan.changes.find(({ key }) => key === '/opt/linked')?.note).toContain(
      'what old holds stays there',
    );
    const run = await root.runDirectly(plan);
    expect([run.outcome, run.stderr, words(run)]).toEqual(['committed', '', '']);
    root.shell(
      'test ! -L opt/linked; grep -q theirs opt/linked/conf; ! grep foreign opt/linked/shared; grep -q state opt/old/state.db',
    );
    expect((await root.plan(manifest)).changes).toEqual([]);
  });

  it('goes away again in an undo', async () => {
    const run = await disturbed('rm opt/linked/conf', manifest);
    expect(run.outcome).toBe('rolled-back');
    root.shell('test -L opt/linked; grep -qx theirs opt/old/conf');
  });
});
