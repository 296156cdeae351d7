import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { withFault } from '../engine/support/faults.js';
import type { HostName, Lab, LabHost } from '../lab/api.js';
import { describeLab } from '../lab/suite.js';
import { EngineProcess } from './engine-process.js';
import { POINTS, type Point } from './transaction-points.js';
import {
  HERE,
  expectOutcome,
  fingerprint,
  killTransaction,
  leftovers,
  other,
  rearm,
  scenario,
  settled,
  type Side,
} from './transaction-scenario.js';

/** A boot takes its time: every second point, or all of them with CITADEL_SWEEP=all. */
const BOOTED = POINTS.filter((_, index) => index % 2 === 0 || process.env['CITADEL_SWEEP'] === 'all');

/**
 * A transaction that dies at a point of itself: the host is at the generation before or at the new one, by itself, and
 * the next apply succeeds. The direction changes from case to case.
 */
function deaths(
  lab: Lab,
  name: HostName,
  points: readonly Point[],
  die: (host: LabHost) => Promise<void>,
): void {
  const host = lab.host(name);
  const prints = new Map<Side, string>();
  let engine: EngineProcess;

  beforeAll(async () => {
    await host.reset();
    engine = new EngineProcess(lab);
    for (const each of ['A', 'B'] as const) {
      expectOutcome(await engine.apply(name, scenario(name, each)), 'committed');
      prints.set(each, await fingerprint(host));
    }
  });
  afterAll(() => engine.end());

  /** Where the host is; a case that failed may have left it elsewhere. */
  async function whereItIs(): Promise<Side> {
    const now = await fingerprint(host);
    for (const [each, print] of prints) if (print === now) return each;
    expectOutcome(await engine.apply(name, scenario(name, 'A')), 'committed', 'unchanged');
    return 'A';
  }

  it.each(points.map((point) => [point.name, point] as const))('%s', async (_name, point: Point) => {
    const side = await whereItIs();
    const target = other(side);
    await rearm(host);
    await engine.begin(name, scenario(name, target), { transactionScript: withFault(point.fault) });
    await engine.note(HERE);
    await die(host);
    const result = await engine.result();
    await settled(host);
    const expected = point.leadsTo === 'before' ? side : target;
    expect(await fingerprint(host)).toBe(prints.get(expected));
    if (point.leadsTo === 'before') expectOutcome(result, 'rolled-back', 'refused');
    else expectOutcome(result, 'committed');

    expectOutcome(await engine.apply(name, scenario(name, target)), 'committed', 'unchanged');
    expect(await fingerprint(host)).toBe(prints.get(target));
    expect(await leftovers(host)).toBe('');
  });
}

describeLab('a transaction whose process is killed', (lab) => {
  describe('Debian 12', () => {
    deaths(lab, 'dev-ops', POINTS, killTransaction);
  });
});

describeLab('a transaction whose host loses its power, and boots', (lab) => {
  describe('Debian 13', () => {
    deaths(lab, 'ai-node', BOOTED, (host) => host.crash());
  });
});
