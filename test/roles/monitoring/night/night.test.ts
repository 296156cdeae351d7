import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeAllDebian } from '../../../support/debian-programs.js';
import { buildHosts } from '../../../../stacks/app.js';
import { groupsOf } from '../alert-tree.js';
import { fleet } from './fleet.js';
import { history } from './history.js';
import { NIGHT } from './life.js';
import { replay, type Sent } from './replay.js';
import { firingTable, timeline, type Change } from './timeline.js';
import { differences, told } from './told.js';

/** Minutes of that life by which a busy machine may be behind before what it shows counts for nothing, and how often it may try. */
const MOST_BEHIND = 45;
const TRIES = 3;
const HOUR_MS = 3_600_000;

const read = (kind: string): string[] =>
  readFileSync(new URL(`night.${kind}.txt`, import.meta.url), 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));

describeAllDebian('a night in the life of a fleet', ['prometheus-alertmanager', 'amtool'], (releases) => {
  const root = mkdtempSync(join(tmpdir(), 'citadel-life-'));
  let fired: readonly Change[] = [];
  let sent: readonly Sent[] = [];
  beforeAll(async () => {
    const inventory = fleet();
    const groups = groupsOf(inventory);
    fired = await timeline(root, NIGHT, groups, history(NIGHT, groups, inventory.slo.timeToFirstTokenSec));
    const server = buildHosts(inventory).find(({ host }) => host === 'dev-ops');
    if (server === undefined) throw new Error('the fleet has lost its monitoring server');
    for (let left = TRIES; left > 0; left--) {
      sent = await replay(releases, server, NIGHT, fired);
      if (sent.every(({ clock }) => clock.behind < MOST_BEHIND)) break;
    }
  }, HOUR_MS);
  afterAll(() => rmSync(root, { recursive: true, force: true }));

  it('makes these alerts fire, to the minute', () => {
    expect(firingTable(fired)).toEqual(read('fires'));
  });

  it.each(releases.map(({ title }, index) => [title, index] as const))(
    'tells people this, and nothing more, by the Alertmanager of %s',
    (_title, index) => {
      const one = sent[index];
      if (one === undefined) throw new Error('nothing was replayed');
      expect(one.clock.behind).toBeLessThan(MOST_BEHIND);
      expect(differences(told(one), read('told'), one.clock.behind)).toEqual([]);
    },
  );
});
