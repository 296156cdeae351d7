import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { HostManifest } from '../../../lib/manifest/index.js';
import { failing, keepReal, withFault } from '../support/faults.js';
import { OfflineRoot } from '../support/offline-root.js';

/** What a transaction writes to the disk, and when: a power cut may come between any two of these lines. */
const own = { owner: 'root', group: 'root', mode: '0644' } as const;
const wanted: HostManifest = {
  version: 1,
  host: 'box',
  files: { '/etc/a': { content: 'new\n', ...own } },
  users: { eve: { home: '/home/eve', shell: '/bin/sh', groups: [], system: true } },
};

let root: OfflineRoot;
let scratch: string;
beforeEach(() => {
  root = new OfflineRoot();
  scratch = mkdtempSync(join(tmpdir(), 'citadel-durable-'));
  root.write('/etc/a', 'old\n');
});
afterEach(() => {
  root.remove();
  rmSync(scratch, { recursive: true, force: true });
});

/** Tells every sync(1), every step of the journal and every change of the root in one list, in their order. */
async function told(fault = ''): Promise<string[]> {
  const log = join(scratch, 'log');
  const noted = (name: string, text: string): string =>
    `${keepReal(name)}\n${name}() { printf '%s\\n' "${text}" >>'${log}'; real_${name} "$@"; }`;
  const script = withFault(
    [
      `sync() { printf 'sync %s\\n' "$*" >>'${log}'; command sync "$@"; }`,
      noted('state', 'state $1'),
      noted('open_transaction', 'open'),
      noted('put_paths', 'put'),
      noted('restore_one', 'restore $1'),
      noted('log_account', 'account $1'),
      noted('point_current', 'current'),
      noted('save_paths', 'keep'),
      noted('finish', 'end $1'),
      fault,
    ].join('\n'),
  );
  const plan = await root.plan(wanted);
  const run = await root.runDirectly(plan, script);
  expect(run.stderr).toBe('');
  return readFileSync(log, 'utf8')
    .replaceAll(root.path, '')
    .replaceAll(`/var/lib/citadel-iac/staging/${run.id}`, 'TX')
    .trim()
    .split('\n');
}

/** Up to the change being made: the way back is on the disk before anything is touched. */
const FORWARDS = [
  'state begun',
  'sync -f TX/state',
  'open',
  'keep',
  'sync -f TX',
  'state switching',
  'sync -f TX/state',
  'account group-new',
  'sync -- TX/undo/accounts/log',
  'account user-new',
  'sync -- TX/undo/accounts/log',
  'account made-group',
  'account made-user',
  'put',
  'sync -f /etc',
  'state switched',
  'sync -f TX/state',
  'sync -f /etc',
];

describe('what a power cut may come between', () => {
  it('is on the disk, step by step, up to the generation', async () => {
    expect(await told()).toEqual([
      ...FORWARDS,
      'state committed',
      'sync -f TX/state',
      'current',
      'sync -f /var/lib/citadel-iac',
      'end committed',
    ]);
  });

  it('is on the disk before a change counts as undone', async () => {
    expect(await told(failing('await_confirmation'))).toEqual([
      ...FORWARDS,
      'state undoing',
      'sync -f TX/state',
      'restore /etc/a',
      'sync -f /etc',
      'sync -f /etc',
      'state undone',
      'sync -f TX/state',
      'end rolled-back',
    ]);
  });
});
