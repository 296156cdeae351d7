import { spawnSync } from 'node:child_process';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { HostManifest } from '../../../lib/manifest/index.js';
import { before, withFault } from '../support/faults.js';
import { OfflineRoot } from '../support/offline-root.js';

/** What stands in the way of a transaction is said in one refusal, and what stood in the way of its undo when it is gone. */
const own = { owner: 'root', group: 'root', mode: '0644' } as const;
const files = (content: string, ...paths: readonly string[]): HostManifest => ({
  version: 1,
  host: 'box',
  files: Object.fromEntries(paths.map((path) => [path, { content, ...own }])),
});

let root: OfflineRoot;
beforeEach(() => {
  root = new OfflineRoot();
});
afterEach(() => {
  spawnSync('chattr', ['-R', '-f', '-i', '-a', root.path]);
  root.remove();
});

const canBeImmutable = ((): boolean => {
  const probe = new OfflineRoot();
  const made = spawnSync('chattr', ['+i', probe.at('/etc/passwd')]).status === 0;
  if (made) spawnSync('chattr', ['-i', probe.at('/etc/passwd')]);
  probe.remove();
  return made;
})();

const canMount = ((): boolean => {
  const probe = new OfflineRoot();
  const made = spawnSync('mount', ['-t', 'tmpfs', 'citadel-probe', probe.at('/etc')]).status === 0;
  if (made) spawnSync('umount', [probe.at('/etc')]);
  probe.remove();
  return made;
})();

const socket = (path: string): string =>
  `python3 -c 'import socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])' ${path}`;

it('a file where a directory has to be is a refusal, unless it goes or becomes one', async () => {
  root.write('/opt/x', 'theirs\n');
  const below = files('new\n', '/opt/x/deep/one', '/opt/x/two');
  const result = await root.apply(below);
  expect(result).toMatchObject({ outcome: 'refused', failure: { item: 'files//opt/x/deep/one' } });
  expect(result.failure?.output.trim()).toBe(
    '/opt/x is no directory on the host, and the configuration has paths below it. Move it away, or take those out.\n' +
      '  in the way of: /opt/x/deep/one, /opt/x/two',
  );
  expect(root.leftovers()).toEqual([]);
  const directory = { directories: { '/opt/x': { ...own, mode: '0755' } } };
  expect((await root.apply({ ...below, ...directory })).outcome).toBe('committed');
});

it('a file with a block that goes, where a directory has to be, is a refusal that says what to do', async () => {
  const block: HostManifest = { version: 1, host: 'box', blocks: { '/opt/x': { ours: 'A\n' } } };
  expect((await root.apply(block)).outcome).toBe('committed');
  const result = await root.apply(files('new\n', '/opt/x/one'));
  expect([result.outcome, result.failure?.output]).toEqual([
    'refused',
    expect.stringContaining('/opt/x stays a file of which only our blocks go'),
  ]);
  expect((await root.apply({ version: 1, host: 'box' })).outcome).toBe('committed');
  expect((await root.apply(files('new\n', '/opt/x/one'))).outcome).toBe('committed');
});

describe.skipIf(!canBeImmutable)('obstacles (skipped without root and chattr)', () => {
  it('are all named in one refusal, each with what to do, and a common reason once', async () => {
    root.shell(`mkdir -p etc/closed opt/d/deep srv && echo 1 >etc/fixed && echo 1 >etc/log && touch opt/d/deep/file
      chattr +i etc/fixed etc/closed opt/d/deep/file && chattr +a etc/log`);
    const all = ['/etc/closed/a', '/etc/closed/b', '/etc/fixed', '/etc/free', '/etc/log', '/opt/d'];
    const result = await root.apply(files('new\n', ...all));
    expect(result).toMatchObject({
      outcome: 'refused',
      generation: null,
      failure: { step: 'prepare', item: 'files//etc/closed/a' },
    });
    const reason = (path: string, what: string, flag: string): string =>
      `${path} is ${what}. To let it be changed: chattr -${flag} ${root.at(path)}`;
    expect(result.failure?.output.trim().split('\n')).toEqual([
      reason('/etc/closed', 'immutable', 'i'),
      '  in the way of: /etc/closed/a, /etc/closed/b',
      reason('/etc/fixed', 'immutable', 'i'),
      reason('/etc/log', 'append-only', 'a'),
      reason('/opt/d/deep/file', 'immutable', 'i'),
    ]);
    expect(root.leftovers()).toEqual([]);
    root.shell('chattr -i etc/fixed etc/closed opt/d/deep/file; chattr -a etc/log');
    expect((await root.apply(files('new\n', ...all))).outcome).toBe('committed');
  });

  it('are not cut off where there are very many', async () => {
    root.shell('mkdir etc/closed && chattr +i etc/closed');
    const paths = Array.from(
      { length: 600 },
      (_, n) => `/etc/closed/a-rather-long-name-of-a-file-${String(n)}`,
    );
    const { failure } = await root.apply(files('new\n', ...paths));
    expect(failure?.output).toMatch(/^\/etc\/closed is immutable\. To let it be changed: chattr -i .*\n/);
    const named = failure?.output.match(/a-rather-long/g)?.length ?? 0;
    expect(Number(/ and (\d+) more$/.exec(failure?.output ?? '')?.[1])).toBe(600 - named);
    expect(named).toBeGreaterThan(100);
  });

  it('of an undo are told when they are gone: directories too, and what is taken away', async () => {
    root.shell('mkdir -p opt/e && chmod 0755 opt/e');
    const directory = (mode: string): HostManifest => ({
      ...files('x\n', '/opt/new'),
      directories: { '/opt/e': { owner: 'root', group: 'root', mode } },
    });
    const failed = await root.apply(
      directory('0700'),
      withFault(
        before(
          'await_confirmation',
          `chattr +i '${root.at('/opt/e')}' '${root.at('/opt/new')}'; echo planted >"$DIR/words"; return 1`,
        ),
      ),
    );
    expect([failed.outcome, failed.notes.map((note) => note.split(' (')[0])]).toEqual([
      'undo-failed',
      [
        'could not be undone: /opt/new: Operation not permitted',
        'could not be undone: /opt/e: Operation not permitted',
      ],
    ]);
    const back = (...words: readonly string[]): string =>
      spawnSync(
        '/bin/sh',
        [root.at('/var/lib/citadel-iac/open/bin/back.sh'), root.path, 'resolve', ...words],
        {
          encoding: 'utf8',
        },
      ).stdout;
    root.shell('chattr -i opt/e');
    const again = back('--retry', '--yes');
    expect(again).toContain('directory /opt/e has the owner and mode of before again; restart what uses it');
    expect(again).toContain('could not be undone: /opt/new: Operation not permitted');
    root.shell('chattr -i opt/new');
    expect(back('--retry', '--yes')).toContain('/opt/new is taken away now');
    expect(root.leftovers()).toEqual([]);
  });
});

it('what cannot be kept is named, all of it', async () => {
  root.shell(`mkdir -p opt/d && ${socket('opt/d/s')} && ${socket('opt/d/t')}`);
  const { outcome, failure } = await root.apply(files('x\n', '/opt/d'));
  expect(outcome).toBe('refused');
  for (const path of ['/opt/d/s', '/opt/d/t'])
    expect(failure?.output).toContain(`${path} cannot be kept for the way back`);
});

it.skipIf(!canMount)(
  'all that is mounted in a directory is named at once (skipped without mount)',
  async () => {
    const points = ['/opt/d/a', '/opt/d/b', '/opt/d/b/in'].map((path) => root.at(path));
    root.shell('mkdir -p opt/d/a opt/d/b');
    try {
      root.shell(
        'mount -t tmpfs one opt/d/a && mount -t tmpfs two opt/d/b && mkdir opt/d/b/in && mount -t tmpfs three opt/d/b/in',
      );
      const result = await root.apply(files('new\n', '/opt/d', '/opt/e'));
      expect(result.outcome).toBe('refused');
      const [a = '', b = '', inner = ''] = points;
      expect(result.failure?.output).toBe(
        `/opt/d is to be replaced, and something is mounted in it: ${inner}, ${b}, ${a}. Take that down first: umount '${inner}' '${b}' '${a}'`,
      );
    } finally {
      for (const point of points.reverse()) spawnSync('umount', [point]);
    }
  },
);
