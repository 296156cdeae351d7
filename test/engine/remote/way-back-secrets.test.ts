import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { HostManifest } from '../../../lib/manifest/index.js';
import { TOKEN, applyAt, expectState, stateOf } from '../support/document-state.js';
import { plantHost } from '../support/document-world.js';
import { OfflineRoot } from '../support/offline-root.js';

/** What a generation that the host goes to by itself takes from others: newer values of secrets, and its record. */
const own = { owner: 'root', group: 'root', mode: '0600' };
const docOf = (files: NonNullable<HostManifest['files']>): HostManifest => ({
  version: 1,
  host: 'box',
  files,
});
const GENERATIONS = '/var/lib/citadel-iac/generations';

let root: OfflineRoot;
let twin: string;
beforeEach(() => {
  root = new OfflineRoot();
  plantHost(root);
  twin = mkdtempSync(join(tmpdir(), 'citadel twin '));
});
afterEach(() => {
  root.remove();
  rmSync(twin, { recursive: true, force: true });
});

function back(...words: readonly string[]): { code: number | null; out: string; err: string } {
  const program = root.at('/var/lib/citadel-iac/current/bin/back.sh');
  const run = spawnSync('/bin/sh', [program, root.path, ...words], { encoding: 'utf8', timeout: 60_000 });
  return { code: run.status, out: run.stdout, err: run.stderr };
}
const read = (path: string, at = root.path): string => readFileSync(`${at}${path}`, 'utf8');
const indexAt = (at: string): unknown => JSON.parse(read('/var/lib/citadel-iac/current/index.json', at));

it('takes the newest values of secrets that were rotated since, or those of then where that is asked for', async () => {
  const doc = docOf({
    '/opt/a': { content: 'a @@secret:token@@ b\n', ...own },
    '/opt/c': { content: 'c\n', ...own },
  });
  const token = 'rotated\nsince';
  await applyAt(root.path, doc, 'first');
  await applyAt(root.path, docOf({ '/opt/b': { content: '@@secret:token@@', ...own } }), 'rotated', {
    token,
  });
  // It does not name the secret.
  await applyAt(root.path, docOf({ '/opt/d': { content: 'd\n', ...own } }), 'third');
  expect(spawnSync('cp', ['-a', `${root.path}/.`, twin]).status).toBe(0);
  await applyAt(twin, doc, 'twin', { token });
  expect(back('to', '1', '--dry-run').out).toContain(
    '  · the secret token has its newest value, of generation 2; --old-secrets takes the one of then\n',
  );
  const run = back('to', '1', '--yes');
  expect([run.code, run.err], run.out).toEqual([0, '']);
  expect(read('/opt/a')).toBe('a rotated\nsince b\n');
  await expectState(root.path, await stateOf(twin), 'as an apply');
  expect(indexAt(root.path)).toEqual(indexAt(twin));
  expect((await root.plan(doc, { token })).changes).toEqual([]);
  expect(back('drift').code).toBe(0);

  expect(back('to', '1', '--old-secrets', '--yes').code).toBe(0);
  expect(read('/opt/a')).toBe(`a ${TOKEN} b\n`);
  root.shell(`rm .${GENERATIONS}/1/secrets/token`);
  expect(back('list').out).not.toContain('cannot be gone back to');
  expect(back('to', '1', '--old-secrets', '--dry-run').err).toContain(
    'Missing: the secret token, which /opt/a needs',
  );
});

it('has the commit of the document, and the tool whose programs did it', async () => {
  for (const content of ['1', '2'])
    await applyAt(root.path, docOf({ '/opt/a': { content, ...own } }), content);
  for (const number of ['1', '2']) {
    root.write(`${GENERATIONS}/${number}/commit`, `commit${number}\n`);
    root.write(`${GENERATIONS}/${number}/tool`, `tool${number}\n`);
  }
  expect(back('to', '1', '--yes').code).toBe(0);
  expect(['commit', 'tool'].map((name) => read(`${GENERATIONS}/3/${name}`))).toEqual([
    'commit1\n',
    'tool2\n',
  ]);
  root.write(`${GENERATIONS}/1/way/version`, '2\n');
  const run = back('to', '1', '--yes');
  expect([run.code, run.err]).toEqual([1, expect.stringContaining('a newer citadel-iac made it')]);
});
