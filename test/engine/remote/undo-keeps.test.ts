import { existsSync, readFileSync, statSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ApplyResult } from '../../../lib/engine/index.js';
import type { HostManifest } from '../../../lib/manifest/index.js';
import { before, withFault } from '../support/faults.js';
import { OfflineRoot } from '../support/offline-root.js';

/** What a person does to a path while the health checks run, after which the transaction is undone. */
const PATH = '/etc/app.conf';
const EMPTY: HostManifest = { version: 1, host: 'box' };
const asFile = (content: string, mode = '0644', group = 'root'): HostManifest => ({
  ...EMPTY,
  files: { [PATH]: { content, owner: 'root', group, mode } },
});
const asDirectory = (mode: string): HostManifest => ({
  ...EMPTY,
  directories: { [PATH]: { owner: 'root', group: 'root', mode } },
});

let root: OfflineRoot;
beforeEach(() => {
  root = new OfflineRoot();
});
afterEach(() => root.remove());

const now = (): string => {
  const { uid, gid, mode } = statSync(root.at(PATH));
  return `${String(uid)}:${String(gid)} ${(mode & 0o7777).toString(8)}`;
};
async function undone(from: HostManifest, to: HostManifest, byHand: string): Promise<ApplyResult> {
  await root.apply(from);
  const script = withFault(
    before('await_confirmation', `(cd '${root.path}' && ${byHand}); echo planted >"$DIR/words"; return 1`),
  );
  const result = await root.apply(to, script);
  expect(result.outcome, JSON.stringify(result)).toBe('rolled-back');
  expect(root.leftovers()).toEqual([]);
  return result;
}

describe('an owner or a mode that a person changes', () => {
  it.each([
    ['chmod', 'chmod 0600 etc/app.conf', '0:0 600'],
    ['chown, and the mode goes back', 'chown 777 etc/app.conf; chmod 755 etc/app.conf', '777:0 640'],
    ['chgrp', 'chgrp 778 etc/app.conf', '0:778 640'],
    ['a right that is given', 'chmod g+w etc/app.conf', '0:0 660'],
  ])('stays, and is named, where content goes back: %s', async (_what, byHand, expected) => {
    const result = await undone(asFile('old\n', '0640'), asFile('new\n', '0755'), byHand);
    expect([readFileSync(root.at(PATH), 'utf8'), now()]).toEqual(['old\n', expected]);
    expect(result.notes.join()).toContain(
      `owner or mode of ${PATH} was changed by others meanwhile and stays`,
    );
    expect(result.notes.join()).toContain('before it was root:root, mode 640');
  });

  it('lets no one read what was a secret who was not given that', async () => {
    await undone(asFile('secret\n', '0600'), asFile('none\n', '0644'), 'chmod 0744 etc/app.conf');
    expect([readFileSync(root.at(PATH), 'utf8'), now()]).toEqual(['secret\n', '0:0 700']);
  });

  it.each([
    ['of a file of which only these change', asFile('old\n', '0644'), asFile('old\n', '0755'), '0700', '600'],
    ['of a directory', asDirectory('0755'), asDirectory('2770'), '0711', '711'],
    [
      'of a directory that passes on its group no more',
      asDirectory('2770'),
      asDirectory('2755'),
      '00755',
      '750',
    ],
    [
      'of a directory that passes on its group as before',
      asDirectory('2770'),
      asDirectory('0755'),
      '0711',
      '2710',
    ],
  ])('stays %s', async (_what, from, to, mode, expected) => {
    const result = await undone(from, to, `chmod ${mode} etc/app.conf`);
    expect(now()).toBe(`0:0 ${expected}`);
    expect(result.notes.join()).toContain(`owner or mode of ${PATH} was changed by others meanwhile`);
  });

  it('goes back where no one changed it', async () => {
    const result = await undone(
      asFile('old\n', '0640', 'svc'),
      asFile('new\n', '0755'),
      'touch etc/app.conf',
    );
    expect([now(), result.notes.join()]).toEqual(['0:778 640', '']);
  });
});

it('says of what a script of a package wrote that others wrote it', async () => {
  const script = withFault(
    before('install_packages', `echo theirs >"$ROOT${PATH}"; echo planted >"$DIR/words"; return 1`),
  );
  const result = await root.apply(asFile('new\n'), script);
  expect([result.outcome, readFileSync(root.at(PATH), 'utf8')]).toEqual(['rolled-back', 'theirs\n']);
  expect(result.notes).toEqual([
    `${PATH} was not there before, was written by others while this transaction ran, and stays`,
  ]);
});

describe('a path that a person makes a directory with something in it', () => {
  const byHand = 'rm -rf etc/app.conf; mkdir etc/app.conf; echo theirs >etc/app.conf/precious';
  const old = asFile('old\n');
  it.each<[string, HostManifest, HostManifest]>([
    ['a file that changed', old, asFile('new\n')],
    ['a file that is new', EMPTY, asFile('new\n')],
    ['a file that left', old, EMPTY],
    ['a file that became a link', old, { ...EMPTY, symlinks: { [PATH]: { target: 'x' } } }],
    ['a file that got a block', EMPTY, { ...EMPTY, blocks: { [PATH]: { a: 'A\n' } } }],
    ['a file whose mode changed', old, asFile('old\n', '0755')],
  ])('keeps it, is named, and can be managed again: %s', async (_what, from, to) => {
    const result = await undone(from, to, byHand);
    expect(readFileSync(root.at(`${PATH}/precious`), 'utf8')).toBe('theirs\n');
    const note = result.notes.find((text) => text.includes(PATH)) ?? '';
    expect(note).toMatch(/and stays/);
    const kept = / is kept in (.*)$/.exec(note)?.[1];
    expect(kept === undefined).toBe(from === EMPTY);
    if (kept !== undefined) expect(readFileSync(kept, 'utf8')).toBe('old\n');
    const next = await root.apply(asFile('next\n'));
    expect([next.outcome, readFileSync(root.at(PATH), 'utf8')]).toEqual(['committed', 'next\n']);
    const generation = String(root.generation);
    const copy = `/var/lib/citadel-iac/generations/${generation}/undo/a.tree${PATH}/precious`;
    expect(existsSync(root.at(copy))).toBe(true);
  });
});

describe('a list of the undo that cannot be read once', () => {
  const files = (text: string): HostManifest => ({
    ...EMPTY,
    files: Object.fromEntries(
      ['/etc/app.conf', '/etc/by-hand.conf'].map((path) => [
        path,
        { content: `${text}\n`, owner: 'root', group: 'root', mode: '0644' },
      ]),
    ),
  });
  const BY_HAND = 'echo by hand >etc/by-hand.conf; chmod 0600 etc/app.conf';

  it.each([
    ['cat', 'a.order'],
    ['cat', 'a.keep'],
    ['cat', 'a.after'],
    ['cat', 'a.access'],
    ['sed', 'a.absent'],
  ])('is none that is empty: %s of %s', async (command, list) => {
    await root.apply(files('old'));
    const script = withFault(
      [
        `${command}() { case "$* " in */undo/${list}" "*) ! mkdir "$DIR/once" 2>/dev/null || return 1 ;; esac; command ${command} "$@"; }`,
        before(
          'await_confirmation',
          `(cd '${root.path}' && ${BY_HAND}); echo planted >"$DIR/words"; return 1`,
        ),
      ].join('\n'),
    );
    const wanted = files('new');
    const added = { content: 'x\n', owner: 'root', group: 'root', mode: '0644' };
    const result = await root.apply(
      { ...wanted, files: { ...wanted.files, '/etc/added.conf': added } },
      script,
    );
    expect(result.outcome, JSON.stringify(result)).toBe('rolled-back');
    expect([
      readFileSync(root.at('/etc/app.conf'), 'utf8'),
      readFileSync(root.at('/etc/by-hand.conf'), 'utf8'),
      existsSync(root.at('/etc/added.conf')),
      now(),
    ]).toEqual(['old\n', 'by hand\n', false, '0:0 600']);
  });
});
