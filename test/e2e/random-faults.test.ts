import { afterAll, beforeAll, expect, it } from 'vitest';
import type { ApplyResult } from '../../lib/engine/index.js';
import type { HostManifest } from '../../lib/manifest/index.js';
import { Draw } from '../engine/support/random-world.js';
import { smallHosts, waitFor, type HostName, type Lab } from '../lab/api.js';
import { describeFleet } from '../lab/suite.js';
import { EngineProcess } from './engine-process.js';
import { Workbench } from './harness.js';
import {
  AT_FAULT,
  DATA,
  HISTORY,
  RUN,
  TIDY,
  faultyTransaction,
  randomDocument,
  randomEdit,
  type Edit,
  type Fault,
} from './random-faults-world.js';
import { expectOutcome, settled } from './transaction-scenario.js';

/** `npm run check:long faults` has a hundred, after those on offline roots. */
const RUNS = Number(process.env['CITADEL_LAB_FAULT_RUNS'] ?? 4);
const SEED = Number(process.env['CITADEL_SEED'] ?? 1);
const HOSTS = smallHosts(4);

describeFleet('hosts that a person edits while a transaction is cut off', HOSTS.length, (lab) => {
  let workbench: Workbench;
  const engines = new Map<HostName, EngineProcess>();
  const engineOf = (host: HostName): EngineProcess => {
    const engine = engines.get(host);
    if (engine === undefined) throw new Error(`${host} has no engine`);
    return engine;
  };

  beforeAll(async () => {
    workbench = await Workbench.open(lab);
    for (const host of HOSTS) {
      await lab.host(host).mustExec(HISTORY);
      engines.set(host, new EngineProcess(lab));
    }
  }, 300_000);
  afterAll(async () => {
    for (const engine of engines.values()) await engine.end();
    await workbench.close();
  });

  /** The document's items that are not as it says, less those that a person touched. */
  async function differing(document: HostManifest, touched: readonly unknown[]): Promise<string[]> {
    const { changes } = await workbench.diff(document);
    return changes.filter(({ key }) => !touched.includes(key)).map(({ section, key }) => `${section} ${key}`);
  }

  async function oneRun(host: HostName, seed: number): Promise<void> {
    const draw = new Draw(seed);
    const [before, after] = [randomDocument(draw, host), randomDocument(draw, host)];
    const edits = Array.from({ length: 1 + draw.below(3) }, (_, number) => randomEdit(draw, number));
    const fault = draw.of<Fault>(['kill', 'kill', 'fail', 'power', 'check']);
    const [editAt, faultAt] = [40 + draw.below(300), 1 + draw.below(450)];
    const about = `CITADEL_LAB_FAULT_RUNS=1 CITADEL_SEED=${String(seed)}: edits at command ${String(editAt)}, ${fault} at ${String(faultAt)}`;
    const sick: HostManifest =
      fault === 'check'
        ? {
            ...after,
            checks: {
              ...after.checks,
              sick: { kind: 'command', command: ['/bin/false'], timeoutSec: 1, wave: 0 },
            },
          }
        : after;
    const engine = engineOf(host);
    await lab.host(host).exec(TIDY);
    expectOutcome(await engine.apply(host, before), 'committed', 'unchanged');

    await engine.begin(host, sick, { transactionScript: faultyTransaction(edits, editAt, fault, faultAt) });
    const ended = engine.result().then(
      (result): ApplyResult | string => result,
      (error: unknown) => String(error),
    );
    if (fault === 'power') await cutPower(lab, host, ended);
    const result = await ended;
    await settled(lab.host(host));
    const { there, story } = await told(result);

    expect((await lab.host(host).exec(DATA)).stdout, story).toBe('data\n'.repeat(3));
    for (const edit of there) await expectThere(edit, story);
    const touched = there.map((edit) => edit.touched);
    const [asBefore, asAfter] = [await differing(before, touched), await differing(after, touched)];
    if (asAfter.length > 0) expect(asBefore, story).toEqual([]);

    const next = await engine.apply(host, after);
    expect(['committed', 'unchanged'], `${story}\nnext: ${JSON.stringify(next)}`).toContain(next.outcome);
    expect(await differing(after, []), story).toEqual([]);
    expect((await lab.host(host).exec(DATA)).stdout, story).toBe('data\n'.repeat(3));
    for (const edit of there.filter((one) => one.touched === undefined)) await expectThere(edit, story);

    async function told(outcome: unknown): Promise<{ there: Edit[]; story: string }> {
      const numbers = (await lab.host(host).exec(`cat ${RUN}/made`)).stdout.trim().split('\n');
      const done = edits.filter(
        ({ inMemory }, number) => numbers.includes(String(number)) && !(fault === 'power' && inMemory),
      );
      const commands = (await lab.host(host).exec(`wc -c <${RUN}/count`)).stdout.trim();
      const text = `${about} of ${commands} on ${host}: ${JSON.stringify(outcome)}\n${JSON.stringify({ before, after, done }, null, 1)}`;
      return { there: done, story: text };
    }

    async function expectThere(edit: Edit, story: string): Promise<void> {
      const { code } = await lab.host(host).exec(edit.evidence);
      expect(code, `"${edit.script}" is lost. ${story}`).toBe(0);
    }
  }

  it.each(Array.from({ length: Math.ceil(RUNS / HOSTS.length) }, (_, batch) => batch * HOSTS.length))(
    'keep what the person did, are at one of the two generations, and can be applied to (runs from %i on)',
    async (first) => {
      const runs = HOSTS.slice(0, RUNS - first);
      const ended = await Promise.allSettled(runs.map((host, at) => oneRun(host, SEED + first + at)));
      for (const one of ended) if (one.status === 'rejected') throw one.reason;
    },
    300_000,
  );
});

/** The transaction may also end before it comes to its fault. */
async function cutPower(lab: Lab, host: HostName, ended: Promise<unknown>): Promise<void> {
  let over = false;
  void ended.then(() => (over = true));
  const there = (): Promise<boolean> =>
    lab
      .host(host)
      .exec(['test', '-e', AT_FAULT])
      .then(({ code }) => code === 0);
  const reached = await waitFor(
    'the fault',
    120_000,
    async () => (await there()) || (over ? 'over' : undefined),
  );
  if (reached === true) await lab.host(host).crash();
}
