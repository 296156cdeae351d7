import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import type { ApplyResult } from '../../lib/engine/index.js';
import { TRANSACTION } from '../../lib/engine/apply/programs.js';
import { before, withFault } from '../engine/support/faults.js';
import { describeLab } from '../lab/suite.js';
import { EngineProcess } from './engine-process.js';
import {
  GO,
  HERE,
  WAIT_THERE,
  expectOutcome,
  fingerprint,
  leftovers,
  other,
  rearm,
  scenario,
  settled,
  type Side,
} from './transaction-scenario.js';

/** What becomes of a transaction when its operator goes away, or only the wire: nothing. It runs on the host. */
describeLab('a transaction whose operator is gone', (lab) => {
  const name = 'dev-ops';
  const host = lab.host(name);
  const prints = new Map<Side, string>();
  let side: Side = 'B';
  let engine: EngineProcess;

  beforeAll(async () => {
    await host.reset();
    const first = new EngineProcess(lab);
    for (const each of ['A', 'B'] as const) {
      expectOutcome(await first.apply(name, scenario(name, each, true)), 'committed');
      prints.set(each, await fingerprint(host));
    }
    await first.end();
    side = 'B';
  });
  beforeEach(async () => {
    await rearm(host);
    engine = new EngineProcess(lab);
    // A case that failed may have left the host elsewhere.
    const now = await fingerprint(host);
    if (now !== prints.get(side)) side = other(side);
    if (now !== prints.get(side)) await engine.apply(name, scenario(name, side, true));
  });
  afterEach(() => engine.end());
  afterAll(() => rearm(host));

  /** Starts a transaction that waits at a point. */
  async function begin(point: string, nth = 1): Promise<Side> {
    const target = other(side);
    const transactionScript = withFault(before(point, WAIT_THERE, nth));
    await engine.begin(name, scenario(name, target, true), { transactionScript });
    await engine.note(HERE);
    return target;
  }

  async function go(): Promise<void> {
    await host.mustExec(`touch ${GO}`);
  }

  async function expectAt(expected: Side): Promise<void> {
    await settled(host);
    expect(await fingerprint(host)).toBe(prints.get(expected));
    side = expected;
  }

  it.each([
    ['at the comparison', 'compare'],
    ['while paths are switched', 'put_path'],
    ['before the daemon-reload', 'reload_manager'],
    ['in a wave', 'run_wave'],
    ['as it is recorded', 'point_current'],
  ])(
    'goes on when the connection is cut %s, and a new connection hears how it ended',
    async (_name, point) => {
      const target = await begin(point);
      expect(await lab.cutConnections(name)).toBeGreaterThan(0);
      await go();
      const result = await engine.result();
      expectOutcome(result, 'committed');
      await expectAt(target);
      const steps = engine.said.flatMap((said) => ('progress' in said ? [said.progress] : []));
      expect(steps.filter((line) => line.kind === 'step' && line.step === 'compare')).toHaveLength(1);
    },
  );

  it('goes on while the cable is out, once it is confirmed', async () => {
    const target = await begin('run_wave', 2);
    await host.unplug();
    await go();
    await settled(host);
    await host.plug();
    expect(await fingerprint(host)).toBe(prints.get(target));
    expectOutcome(await engine.result(), 'committed');
    await expectAt(target);
  });

  it('goes on when the operator’s process is killed, once it is confirmed', async () => {
    const target = await begin('run_wave', 2);
    await engine.kill();
    await go();
    await expectAt(target);
    engine = new EngineProcess(lab);
    expectOutcome(await engine.apply(name, scenario(name, target, true)), 'unchanged');
  });

  it.each([
    ['at the comparison', 'compare'],
    ['while paths are switched', 'put_path'],
    ['before it is confirmed', 'ask_confirmation'],
  ])('is undone by the host when the operator’s process is killed %s', async (_name, point) => {
    const transactionScript = withFault(before(point, WAIT_THERE));
    await engine.begin(name, scenario(name, other(side), true), {
      transactionScript,
      options: { confirmTimeoutSec: 3 },
    });
    await engine.note(HERE);
    await engine.kill();
    await go();
    await expectAt(side);
    expect(await leftovers(host)).toBe('');
  });

  it.each(['killed', 'suspended'])(
    'says to the next one that its operator does not answer, and when it is undone: %s',
    async (how) => {
      await engine.begin(name, scenario(name, other(side), true), {
        transactionScript: withFault(before('ask_confirmation', WAIT_THERE)),
        options: { confirmTimeoutSec: 25 },
      });
      await engine.note(HERE);
      if (how === 'killed') await engine.kill();
      else engine.suspend();
      await go();
      await host.mustExec('until [ -e /var/lib/citadel-iac/open/asked ]; do sleep 0.1; done');
      const second = new EngineProcess(lab);
      const { outcome, failure, next } = await second.apply(name, scenario(name, side, true), {
        options: { who: 'ben@desk' },
      });
      await second.end();
      expect([outcome, failure?.output]).toEqual([
        'locked',
        expect.stringMatching(/^tester@operator has held/),
      ]);
      const [, asked = '', until = ''] =
        /at (20\S+Z) the host asked .* without an answer it undoes everything by itself at (20\S+Z)\./.exec(
          next,
        ) ?? [];
      expect(Date.parse(until) - Date.parse(asked)).toBe(25_000);
      // Who was kept out has left nothing, and the host keeps its time.
      expect(await host.mustExec('grep -lx locked /var/lib/citadel-iac/staging/*/outcome || :')).toBe('');
      await expectAt(side);
      const late = await host.mustExec(`echo $(($(date +%s) - $(date -d ${until} +%s)))`);
      expect(Number(late)).toBeLessThan(30);
      if (how === 'suspended') {
        engine.resume();
        expect(await engine.result()).toMatchObject({ outcome: 'rolled-back', failure: { step: 'confirm' } });
      }
    },
  );

  it('is not started when the connection breaks during the upload', async () => {
    const manifest = scenario(name, other(side), true);
    const large = { content: 'x'.repeat(8 * 1024 * 1024), owner: 'root', group: 'root', mode: '0644' };
    const proxy = await lab.latencyProxy(name, 0, { breakAfterBytes: 2 * 1024 * 1024 });
    try {
      await engine.begin(
        name,
        { ...manifest, files: { ...manifest.files, '/opt/e2e/large': large } },
        { target: { address: proxy.address, port: proxy.port }, options: { reconnectSec: 5 } },
      );
      const ended: ApplyResult | Error = await engine.result().catch((error: unknown) => error as Error);
      if (!(ended instanceof Error)) expectOutcome(ended, 'refused');
    } finally {
      await proxy.stop();
    }
    await expectAt(side);
    expect(await leftovers(host)).toBe('');
  });

  it('stops for Ctrl-C as long as nothing was touched', async () => {
    await begin('compare');
    engine.interrupt();
    await expect
      .poll(async () => (await host.exec('ls /var/lib/citadel-iac/staging/*/cancel')).code, {
        timeout: 60_000,
      })
      .toBe(0);
    await go();
    const result = await engine.result();
    expect(result).toMatchObject({ outcome: 'refused', failure: { step: 'cancelled' } });
    await expectAt(side);
    expect(await leftovers(host)).toBe('');
  });

  it('is brought to its end after Ctrl-C once something was touched', async () => {
    const target = await begin('put_path', 2);
    engine.interrupt();
    await go();
    expectOutcome(await engine.result(), 'committed');
    await expectAt(target);
  });

  it('keeps a second one out, which is told by whom and since when, or waits', async () => {
    const target = await begin('put_path');
    const second = new EngineProcess(lab);
    const refused = await second.apply(name, scenario(name, side, true), {
      options: { who: 'ben@desk' },
      transactionScript: `${TRANSACTION.script}\n# another version\n`,
    });
    expect(refused).toMatchObject({ outcome: 'locked', failure: { step: 'lock' } });
    // The way back at a boot stays that of the one that is open.
    const wayBack = 'cmp /var/lib/citadel-iac/recover.sh /var/lib/citadel-iac/open/bin/tx.sh';
    expect((await host.exec(wayBack)).code).toBe(0);
    expect(refused.failure?.output).toMatch(
      /^tester@operator has held the lock since 20\d\d-\d\d-\d\dT[\d:]{8}Z$/,
    );

    await second.begin(name, scenario(name, target, true), { options: { who: 'ben@desk', waitSec: 60 } });
    await expect
      .poll(
        async () =>
          (await host.mustExec('ls -d /var/lib/citadel-iac/staging/*/alive')).trim().split('\n').length,
        {
          timeout: 60_000,
        },
      )
      .toBeGreaterThan(2);
    await go();
    expectOutcome(await engine.result(), 'committed');
    // It has waited, and then found the host moved on since its plan.
    expect(await second.result()).toMatchObject({ outcome: 'refused', failure: { step: 'compare' } });
    expectOutcome(await second.apply(name, scenario(name, target, true)), 'unchanged');
    await second.end();
    await expectAt(target);
  });
});
