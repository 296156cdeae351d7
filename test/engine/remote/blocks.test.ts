import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { blockText } from '../../../lib/engine/apply/path-operations.js';
import { replaceBlocks } from '../../../lib/engine/diff/block-text.js';
import { loadScript } from '../../../lib/engine/remote/programs.js';
import type { HostManifest } from '../../../lib/manifest/index.js';
import { before, failing, failingState, killing, withFault } from '../support/faults.js';
import { OfflineRoot } from '../support/offline-root.js';

/** Files of others with our blocks in them, while those others write to them, by the real scripts. */
const FILE = '/etc/shared.conf';
const blocks = (texts: Record<string, string>): HostManifest => ({
  version: 1,
  host: 'box',
  ...(Object.keys(texts).length === 0 ? {} : { blocks: { [FILE]: texts } }),
});
const block = (name: string, text: string): string =>
  `# BEGIN citadel-iac ${name}\n${text}# END citadel-iac ${name}\n`;

let root: OfflineRoot;
beforeEach(() => {
  root = new OfflineRoot();
});
afterEach(() => root.remove());

const text = (): string => readFileSync(root.at(FILE), 'utf8');
async function apply(manifest: HostManifest, script?: string) {
  const run = await root.runDirectly(await root.plan(manifest), script);
  expect(run.stderr).toBe('');
  expect(existsSync(root.at('/etc'))).toBe(true);
  expect(
    spawnSync('find', [root.at('/etc'), '-name', '.citadel-iac.*']).stdout.toString('utf8'),
    'a half-made copy',
  ).toBe('');
  return run;
}
/** Something that another program does to the root just before a function of the transaction. */
const when = (point: string, action: string, ...faults: string[]): string =>
  withFault([before(point, `(cd "$ROOT" && { ${action}; })`), ...faults].join('\n'));

describe('on the way there', () => {
  it('keeps a line that came between the comparison and the switch', async () => {
    root.write(FILE, 'one\n');
    const run = await apply(blocks({ a: 'A\n' }), when('own_staged', 'true'));
    expect(run.outcome).toBe('committed');
    root.write(FILE, `${text()}last`);
    const late = await apply(
      blocks({ a: 'B\n' }),
      when('own_staged', `printf '\nadded\n' >>etc/shared.conf`),
    );
    expect(late.outcome, late.progress).toBe('committed');
    expect(text()).toBe(`one\n${block('a', 'B\n')}last\nadded\n`);
    expect((await root.plan(blocks({ a: 'B\n' }))).changes).toEqual([]);
  });

  it.each([
    ['appended', 'echo added >>etc/shared.conf', `one\nadded\n${block('a', 'A\n')}`],
    ['written over in place', 'printf "zero\\none\\n" >etc/shared.conf', `zero\none\n${block('a', 'A\n')}`],
    [
      'put in its place by a rename',
      'echo other >etc/new && mv etc/new etc/shared.conf',
      `other\n${block('a', 'A\n')}`,
    ],
  ])('finds what was %s in the moment of the rename', async (_what, action, wanted) => {
    root.write(FILE, 'one\n');
    const run = await apply(blocks({ a: 'A\n' }), when('swap_block', action));
    expect(run.outcome, run.progress).toBe('committed');
    expect(text()).toBe(wanted);
  });

  it('leaves what others changed between our markers, and says which block', async () => {
    root.write(FILE, 'one\n');
    await apply(blocks({ a: 'A\n', b: 'B\n' }));
    const run = await apply(
      blocks({ a: 'A2\n', b: 'B2\n' }),
      when('own_staged', `sed -i s/^A$/theirs/ etc/shared.conf`),
    );
    expect(run.outcome).toBe('rolled-back');
    const words = run.progress.split(`failure\x1fswitch\x1f${FILE}\x1f`)[1]?.split('\n')[0] ?? '';
    expect(Buffer.from(words, 'base64').toString('utf8')).toBe(
      `block "a" in ${FILE} was changed by others after the plan, and stays as it is\n`,
    );
    expect(text()).toBe(`one\n${block('a', 'theirs\n')}${block('b', 'B\n')}`);
  });

  it('keeps owner, mode, times of others and extended attributes, and tells of other names', async () => {
    root.write(FILE, 'one\n');
    chmodSync(root.at(FILE), 0o640);
    linkSync(root.at(FILE), root.at('/etc/second'));
    const hasAttributes = spawnSync('setfattr', ['-n', 'user.origin', '-v', 'x', root.at(FILE)]).status === 0;
    const run = await apply(blocks({ a: 'A\n' }));
    expect(run.outcome).toBe('committed');
    expect(statSync(root.at(FILE)).mode & 0o7777).toBe(0o640);
    expect(run.progress).toContain(`note\x1f${FILE} had other names (hard links)`);
    expect(readFileSync(root.at('/etc/second'), 'utf8')).toBe('one\n');
    if (hasAttributes)
      expect(spawnSync('getfattr', ['-d', root.at(FILE)]).stdout.toString('utf8')).toContain('user.origin');
  });

  it('refuses a file that is no text', async () => {
    root.write(FILE, Buffer.from('a\0b\n'));
    const run = await apply(blocks({ a: 'A\n' }));
    expect(run.outcome).toBe('refused');
    expect(readFileSync(root.at(FILE))).toEqual(Buffer.from('a\0b\n'));
  });
});

describe('on the way back', () => {
  const fail = failingState('committed');
  it.each([
    ['nothing else', 'true', 'one\nlast'],
    ['a line after our block', 'echo theirs >>etc/shared.conf', 'one\nlast\ntheirs\n'],
    ['a line before it', 'sed -i 1itheirs etc/shared.conf', 'theirs\none\nlast'],
    ['all but our block', `sed -i '/^one$/d;/^last$/d' etc/shared.conf`, ''],
  ])('takes back our new block where others changed %s', async (_what, action, wanted) => {
    root.write(FILE, 'one\nlast');
    const run = await apply(
      blocks({ a: 'A\n' }),
      when('run_wave', 'true', before('await_confirmation', `(cd "$ROOT" && { ${action}; })`), fail),
    );
    expect(run.outcome, run.progress).toBe('rolled-back');
    expect(text()).toBe(wanted);
  });

  it('removes a file that it made, and keeps the lines of others that came into it', async () => {
    const fails = (action: string): string => when('await_confirmation', action, fail);
    expect((await apply(blocks({ a: 'A\n' }), fails('true'))).outcome).toBe('rolled-back');
    expect(existsSync(root.at(FILE))).toBe(false);
    await apply(blocks({ a: 'A\n' }), fails('echo theirs >>etc/shared.conf'));
    expect(text()).toBe('theirs\n');
  });

  it('puts back blocks that changed and that left, each where it was', async () => {
    root.write(FILE, 'one\n');
    await apply(blocks({ a: 'A\n' }));
    root.write(FILE, `${text()}two\n`);
    await apply(blocks({ a: 'A\n', b: 'B\n' }));
    root.write(FILE, `${text()}three`);
    const old = text();
    await apply(
      blocks({ a: 'A2\n', c: 'C\n' }),
      when('await_confirmation', `sed -i '1izero\n/^two/ione and a half' etc/shared.conf`, fail),
    );
    expect(text()).toBe(`zero\n${old.replace('two\n', 'one and a half\ntwo\n')}`);
    const all = text();
    await apply(
      blocks({}),
      when(
        'await_confirmation',
        'chmod 0600 etc/shared.conf; echo >>etc/shared.conf; echo four >>etc/shared.conf',
        fail,
      ),
    );
    expect(text()).toBe(`${all}\nfour\n`);
    expect(statSync(root.at(FILE)).mode & 0o7777).toBe(0o600);
  });

  it('leaves a block that others changed meanwhile, names it, and keeps what was before', async () => {
    root.write(FILE, 'one\n');
    await apply(blocks({ a: 'A\n', b: 'B\n' }));
    const old = text();
    const run = await apply(
      blocks({ a: 'A2\n', b: 'B2\n' }),
      when('await_confirmation', 'sed -i s/^A2$/theirs/ etc/shared.conf', fail),
    );
    expect(run.outcome).toBe('rolled-back');
    expect(text()).toBe(`one\n${block('a', 'theirs\n')}${block('b', 'B\n')}`);
    expect(run.progress).toContain(`note\x1fblock "a" in ${FILE} was changed by others meanwhile`);
    expect(readFileSync(root.at(`/var/lib/citadel-iac/kept/${run.id}/tree${FILE}`), 'utf8')).toBe(old);
  });

  it.each(['move_into_place', 'swap_block', 'note_block', 'sync_paths', 'restore_block'])(
    'is found after a kill before %s',
    async (point) => {
      root.write(FILE, 'one\n');
      const script = withFault(
        [point === 'restore_block' ? failing('sync_paths') : '', killing(point)].join('\n'),
      );
      const run = await root.runDirectly(await root.plan(blocks({ a: 'A\n' })), script);
      if (run.signal === 'SIGKILL') {
        root.write(FILE, `${text()}theirs\n`);
        expect((await root.recoverCleanly(run.id)).outcome).toBe('rolled-back');
        expect(text()).toBe('one\ntheirs\n');
      }
    },
  );
});

describe('the merge', () => {
  it('gives what the plan showed, whatever stands in the file', () => {
    const names = fc.constantFrom('a', 'b', '/mnt/x y');
    const line = fc.oneof(
      fc.constantFrom('1', '2', '', '  UUID=1\t/ ext4\r', '#', 'é%s\\n\\', '-n', 'a=b'),
      names.map((name) => `# BEGIN citadel-iac ${name}`),
      names.map((name) => `# END citadel-iac ${name}`),
    );
    const lines = fc
      .array(fc.constantFrom('1', '2', '', '%d\\t'), { maxLength: 3 })
      .map((l) => l.map((s) => `${s}\n`).join(''));
    const cases = fc.sample(
      fc.record({
        live: fc
          .array(line, { maxLength: 14 })
          .chain((l) => fc.constantFrom(l.join('\n'), l.map((s) => `${s}\n`).join(''))),
        wanted: fc.dictionary(names, lines),
        leaving: fc.uniqueArray(names),
      }),
      400,
    );
    const folder = mkdtempSync(join(tmpdir(), 'blocks '));
    mkdirSync(join(folder, 'ops'));
    const expected = cases.map(({ live, wanted, leaving }, n) => {
      const latin = (value: string): string => Buffer.from(value).toString('latin1');
      const texts = new Map(Object.entries(wanted).map(([name, value]) => [name, latin(value)]));
      const go = leaving.filter((name) => !texts.has(name));
      writeFileSync(join(folder, `live-${String(n)}`), live);
      const spec = blockText({
        wanted: new Map(Object.entries(wanted)),
        leaving: go,
      });
      writeFileSync(join(folder, `ops/block-${String(n)}`), spec);
      return Buffer.from(replaceBlocks(latin(live), texts, new Set(go)), 'latin1').toString('utf8');
    });
    const run = spawnSync(
      '/bin/sh',
      [
        '-c',
        `${loadScript('tx-blocks.sh')}
        LC_ALL=C; export LC_ALL; DIR=$0; n=0
        while [ "$n" -lt ${String(cases.length)} ]; do
          merge_blocks put "$n" "$DIR/live-$n" "$DIR/live-$n" && mv "$DIR/block.new" "$DIR/new-$n" || exit 1
          ! [ -e "$DIR/block.foreign" ] || exit 2
          n=$((n + 1))
        done`,
        folder,
      ],
      { encoding: 'utf8' },
    );
    expect([run.status, run.stderr]).toEqual([0, '']);
    expected.forEach((value, n) =>
      expect(readFileSync(join(folder, `new-${String(n)}`), 'utf8'), JSON.stringify(cases[n])).toBe(value),
    );
    rmSync(folder, { recursive: true });
  });
});
