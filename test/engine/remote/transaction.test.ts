import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { UNIT_SEPARATOR } from '../../../lib/engine/apply/records.js';
import type { HostPlan } from '../../../lib/engine/index.js';
import type { HostManifest } from '../../../lib/manifest/index.js';
import {
  atCommand,
  failing,
  failingState,
  killing,
  killingAfterState,
  killingBeforeState,
  oneByOne,
  withFault,
} from '../support/faults.js';
import { AFTER, BEFORE, TIMED, age, furnish } from '../support/flip-manifests.js';
import { OfflineRoot, type DirectRun } from '../support/offline-root.js';
import { treeDifferences, treeFingerprint, type TreeFingerprint } from '../support/tree-fingerprint.js';

/** The real transaction under `sh`, on a directory that stands for a host. */
const OPTIONS = {
  timed: TIMED,
  // Backups that groupadd(8) makes.
  without: ['/etc/group-', '/etc/passwd-'],
  // Enablement comes back as what it is, a set of links, and accounts as lines: no one looks at their times.
  untimed: ['/etc/systemd/system/multi-user.target.wants/', '/etc/group'],
};
let root: OfflineRoot;
let before: TreeFingerprint;
let plan: HostPlan;

beforeAll(async () => {
  root = new OfflineRoot();
  furnish(root);
  const first = await root.runDirectly(await root.plan(BEFORE));
  expect([first.outcome, first.stderr]).toEqual(['committed', '']);
  age(root);
  root.keep();
  before = await treeFingerprint(root.path, OPTIONS);
  plan = await root.plan(AFTER);
}, 60_000);
afterEach(() => root.reset());
afterAll(() => root.remove());

/** Neither a byte nor a time differs from generation 1, and nothing is left of the try. */
async function expectGenerationOne(clean = true): Promise<void> {
  expect(treeDifferences(before, await treeFingerprint(root.path, OPTIONS))).toEqual([]);
  expect(root.generation).toBe(1);
  if (clean) expect(root.leftovers()).toEqual([]);
}

async function expectGenerationTwo(): Promise<void> {
  const again = await root.plan(AFTER);
  expect([again.changes, again.record, again.observed.open]).toEqual([[], false, null]);
  expect(root.generation).toBe(2);
  expect(root.leftovers()).toEqual([]);
}

/** The failure's own words, as the operator will read them. */
function words(run: DirectRun): string {
  const failure = run.progress.split('\n').find((line) => line.startsWith('failure'));
  return Buffer.from(failure?.split(UNIT_SEPARATOR)[3] ?? '', 'base64').toString('utf8');
}

describe('a transaction', () => {
  it('turns each kind of path into each other kind, and then has nothing to do', async () => {
    const run = await root.runDirectly(plan);
    expect([run.outcome, run.stderr]).toEqual(['committed', '']);
    await expectGenerationTwo();
  });

  it('goes back to the generation before by the same way', async () => {
    await root.runDirectly(plan);
    const back = await root.plan(BEFORE);
    const run = await root.runDirectly(back);
    expect([run.outcome, run.stderr]).toEqual(['committed', '']);
    expect((await root.plan(BEFORE)).changes).toEqual([]);
    expect(root.generation).toBe(3);
  });
});

describe('a directory', () => {
  const wanted = (mode: string): HostManifest => ({
    version: 1,
    host: 'box',
    directories: { '/opt/app': { owner: 'root', group: 'root', mode } },
  });

  it('loses a set-group-ID bit that no one asked for, and keeps one that someone did', async () => {
    await root.runDirectly(await root.plan(wanted('0755')));
    root.shell('chmod 2755 opt/app');
    const drifted = await root.plan(wanted('0755'));
    expect(drifted.changes.map(({ before, after }) => [before?.['mode'], after?.['mode']])).toEqual([
      ['2755', '0755'],
    ]);
    await root.runDirectly(drifted);
    expect((await root.plan(wanted('0755'))).changes).toEqual([]);
    await root.runDirectly(await root.plan(wanted('2775')));
    expect((await root.plan(wanted('2775'))).changes).toEqual([]);
  });

  it('that is new below one with that bit does not take it over', async () => {
    root.shell('mkdir -m 2775 srv');
    const below: HostManifest = {
      version: 1,
      host: 'box',
      directories: { '/srv/new': { owner: 'root', group: 'root', mode: '0750' } },
    };
    await root.runDirectly(await root.plan(below));
    expect((await root.plan(below)).changes).toEqual([]);
  });
});

describe('a step that fails before anything is touched', () => {
  it.each([
    ['the comparison', failing('compare')],
    ['the validators', failing('validate')],
    ['the open link', failing('open_transaction')],
    ['keeping the paths', failing('save_paths')],
    ['keeping the accounts', failing('save_accounts')],
    ['keeping the units', failing('save_units')],
    ['the ledger', failing('write_ledger')],
    ['what a commit needs', failing('prepare_record')],
    ['the recovery unit', failing('arm_recovery')],
    ['the first state', failingState('begun')],
    ['the state of the switch', failingState('switching')],
  ])('refuses: %s', async (name, fault) => {
    const run = await root.runDirectly(plan, withFault(fault));
    expect([run.outcome, run.stderr]).toEqual([name === 'the comparison' ? 'conflict' : 'refused', '']);
    expect(words(run)).toBe('planted\n');
    await expectGenerationOne();
  });
});

describe('a step that fails after something was touched', () => {
  it.each([
    ['groups', failing('add_groups')],
    ['users', failing('add_users')],
    ['owners of what is staged', failing('own_staged')],
    ['units that packages started', failing('stop_started_by_packages')],
    ['units that leave', failing('stop_leaving')],
    ['mounts that leave', failing('unmount_leaving')],
    ['the first path', failing('put_path', 1)],
    ['the fourth path', failing('put_path', 4)],
    ['the ninth path', failing('put_path', 9)],
    ['the fifteenth path', failing('put_path', 15)],
    ['the last path', failing('put_path', 20)],
    ['a file', [oneByOne, failing('put_file', 4)].join('\n')],
    ['a batch of paths', failing('flush_batch', 4)],
    ['enablement', failing('enable_units')],
    ['the daemon-reload', failing('reload_manager')],
    ['mounts', failing('mount_all')],
    ['the state after the switch', failingState('switched')],
    ['units of a wave', failing('run_wave')],
    ['checks of a wave', failing('run_checks')],
    ['accounts that leave', failing('remove_accounts')],
    ['packages that leave', failing('remove_packages')],
    ['the confirmation', failing('await_confirmation')],
    ['the state of the commit', failingState('committed')],
  ])('brings everything back: %s', async (_name, fault) => {
    const run = await root.runDirectly(plan, withFault(fault));
    expect([run.outcome, run.stderr]).toEqual(['rolled-back', '']);
    expect(words(run)).toBe('planted\n');
    await expectGenerationOne();
  });
});

it('that cannot be made the current generation can be read, and the next apply does that', async () => {
  const run = await root.runDirectly(plan, withFault(failing('point_current', 1, 2)));
  expect([run.outcome, run.stderr]).toEqual(['undo-failed', '']);
  expect((await root.plan(AFTER)).observed).toMatchObject({ generation: 1, open: { id: run.id } });
  await root.recoverCleanly(run.id);
  await expectGenerationTwo();
});

/** Killed there, and then recovered as the next apply or a boot does it. */
async function killAndRecover(fault: string): Promise<DirectRun> {
  const run = await root.runDirectly(plan, withFault(fault));
  expect([run.signal, run.outcome]).toEqual(['SIGKILL', undefined]);
  const recovered = await root.recoverCleanly(run.id);
  expect(recovered.stderr).toBe('');
  return recovered;
}

describe('a process that is killed', () => {
  it.each([
    ['before its first state', killingBeforeState('begun'), 'refused'],
    ['after its first state', killingAfterState('begun'), 'refused'],
    ['while it keeps what it will replace', killing('note_existing', 5), 'refused'],
    ['while it copies that', killing('copy_paths'), 'refused'],
    ['before the switch', killingBeforeState('switching'), 'refused'],
    ['when the switch begins', killingAfterState('switching'), 'rolled-back'],
    ['at the first path', killing('put_path', 1), 'rolled-back'],
    ['at the tenth path', killing('put_path', 10), 'rolled-back'],
    ['between a link and its rename', killing('move_into_place', 3), 'rolled-back'],
    ['at the last path', killing('put_path', 20), 'rolled-back'],
    ['at enablement', killing('enable_units'), 'rolled-back'],
    ['after the switch', killingAfterState('switched'), 'rolled-back'],
    ['at a wave', killing('run_wave'), 'rolled-back'],
    ['before the commit', killingBeforeState('committed'), 'rolled-back'],
  ])('leads back to the generation before: %s', async (_name, fault, outcome) => {
    expect((await killAndRecover(fault)).outcome).toBe(outcome);
    await expectGenerationOne();
  });

  it.each([
    ['when it begins', killing('undo')],
    ['at the first absent path', killing('restore_absence', 1)],
    ['at the third absent path', killing('restore_absence', 3)],
    ['at the first kept path', killing('restore_one', 1)],
    ['at the twelfth kept path', killing('restore_one', 12)],
    ['at the times of directories', killing('copy_paths', 2)],
    ['at accounts', killing('undo_accounts')],
    ['at links', killing('undo_links')],
    ['before it is written down', killingBeforeState('undone')],
    ['before it is closed', killing('close_transaction')],
    ['before the payload goes', killing('drop_payload')],
    ['before the last word', killing('finish')],
  ])('leads back to the generation before, in the middle of an undo: %s', async (_name, fault) => {
    const recovered = await killAndRecover(`${failing('await_confirmation')}\n${fault}`);
    expect(recovered.outcome).toBe('rolled-back');
    await expectGenerationOne();
  });

  it.each([
    ['after the commit was decided', killingAfterState('committed')],
    ['while it counts generations', killing('last_generation')],
    ['before current moves', killing('point_current')],
    ['before old generations go', killing('prune_generations')],
    ['before it is closed', killing('close_transaction')],
  ])('leads to the new generation: %s', async (_name, fault) => {
    expect((await killAndRecover(fault)).outcome).toBe('committed');
    await expectGenerationTwo();
  });

  it('needs nothing more after the commit was closed', async () => {
    const run = await root.runDirectly(plan, withFault(killing('finish')));
    expect([run.signal, run.outcome]).toEqual(['SIGKILL', undefined]);
    await expectGenerationTwo();
  });

  it('is recovered by the next transaction, which then finds another host than its plan saw', async () => {
    const killed = await root.runDirectly(plan, withFault(killing('put_path', 12)));
    const inBetween = await root.plan(AFTER);
    expect(inBetween.observed.open).toMatchObject({ id: killed.id, running: false, state: 'switching' });
    const next = await root.runDirectly(inBetween);
    expect(next.outcome).toBe('conflict');
    expect(root.records(killed.id).outcome).toBe('rolled-back');
    await expectGenerationOne();
  });
});

const SWEEP_ALL = process.env['CITADEL_SWEEP'] === 'all';
/** Every command in turn with CITADEL_SWEEP=all (some minutes); else a few, spread over the whole run. */
const COMMANDS = SWEEP_ALL ? Array.from({ length: 170 }, (_, index) => index + 1) : [3, 19, 52, 81, 113, 140];

describe.each(COMMANDS)('command %i of a transaction', (nth) => {
  it('may be its last', async () => {
    const run = await root.runDirectly(plan, withFault(atCommand(nth, 'kill', root.at('.count'))));
    if (run.signal !== 'SIGKILL') expect(run.outcome).toBe('committed');
    const folder = root.folderOf(run.id);
    if (folder !== undefined) await root.recoverCleanly(run.id);
    await (root.generation === 2 ? expectGenerationTwo() : expectGenerationOne());
  });

  it('may fail', async () => {
    const run = await root.runDirectly(plan, withFault(atCommand(nth, 'fail', root.at('.count'))));
    expect(['committed', 'rolled-back', 'refused', 'conflict', 'locked']).toContain(run.outcome);
    // What fails may be the very command that cleans up.
    await (run.outcome === 'committed' ? expectGenerationTwo() : expectGenerationOne(false));
  });
});
