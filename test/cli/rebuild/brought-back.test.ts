import { describe, expect, it } from 'vitest';
import type { RecoveryPort } from '../../../lib/cli/rebuild/recovery-port.js';
import type { HostPlan } from '../../../lib/engine/model.js';
import type { HostManifest } from '../../../lib/manifest/index.js';
import { call, differing } from '../call.js';
import type { EngineScript } from '../doubles.js';
import { error, FILE, model, NODE, UNIT, weights, world } from './world.js';

describe('what a new machine gets back besides models from backup', () => {
  it('reboots a host that owes it, once its services are deployed', async () => {
    let booted = false;
    const order: string[] = [];
    const plans: Record<string, HostPlan> = { alpha: { ...differing, manifest: NODE } };
    const engine: EngineScript = {
      plans,
      onApply: () => {
        order.push('apply');
        delete plans['alpha'];
      },
      status: () => ({
        boot: booted ? 'second' : 'first',
        reboot: booted ? [] : ['asked for by nvidia-driver'],
      }),
      command: (_host, { words }) => {
        if (words.join(' ').endsWith('systemctl reboot')) {
          booted = true;
          order.push('reboot');
        }
        return {};
      },
    };
    const recovery = { planWeights: () => Promise.resolve(weights(model('whole'))) };
    const { code, printed } = await call('rebuild alpha --yes', world(recovery, engine));
    expect(code, printed.err).toBe(0);
    expect(order).toEqual(['apply', 'reboot']);
    expect(printed.out).toMatch(/reboot .* asked for by nvidia-driver/);
  });

  const KEEPS = {
    ...FILE,
    content: 'files prometheus am.service /var/lib/prometheus/alertmanager\n',
  };
  const KEEPER: HostManifest = {
    version: 1,
    host: 'alpha',
    files: { '/etc/citadel-offsite/settings': KEEPS, '/etc/systemd/system/citadel-offsite.timer': FILE },
    units: { 'citadel-offsite.timer': UNIT },
  };

  it('brings data back from off-site before the services that go on from them, and says what is not whole', async () => {
    const order: string[] = [];
    const plan = { ...differing, manifest: KEEPER };
    const plans: Record<string, HostPlan> = { alpha: plan };
    const recovery: Partial<RecoveryPort> = {
      restoreData: (_transport, say) => {
        order.push('data');
        say('restoring');
        plans['alpha'] = plan;
        const item = { path: '/var/lib/prometheus/alertmanager', bytes: 2048, created: 1_699_999_400 };
        return Promise.resolve([
          { ...item, how: 'restored', parts: [] },
          { ...item, path: '/srv/x', how: 'damaged', parts: ['y'] },
        ]);
      },
    };
    const onApply = (): void => {
      order.push('apply');
      delete plans['alpha'];
    };
    const { code, printed } = await call('rebuild alpha --yes', world(recovery, { plans, onApply }, KEEPER));
    expect(order).toEqual(['apply', 'data', 'apply']);
    expect(code).toBe(1);
    expect(printed.err).toContain('alpha: restoring\n');
    expect(printed.out).toMatch(/data .* 2 paths brought back, 4.0 KiB; 1 not whole/);
    expect(printed.out).toContain(
      'recovery point  10 min: the age of the oldest of 2 backups (/var/lib/prometheus/alertmanager)',
    );
    expect(printed.out).toContain('- of /srv/x: y: the off-site store no longer has it whole');
  });

  it('does not begin without data that the store has, unless it is asked to', async () => {
    const restoreData = () => Promise.reject(error('data.failed', 'the repository cannot be opened'));
    const refused = await call('rebuild alpha --yes', world({ restoreData }, {}, KEEPER));
    expect(refused.code).toBe(1);
    expect(refused.printed.out).toMatch(/services .* not reached/);
    expect(refused.printed.err).toContain('the repository cannot be opened');
    const without = await call('rebuild alpha --yes --without-data', world({ restoreData }, {}, KEEPER));
    expect(without.code).toBe(0);
    const again = await call(
      'rebuild alpha --yes',
      world({ restoreData: () => Promise.resolve('already') }, {}, KEEPER),
    );
    expect(again.printed.out).toMatch(/data .* already: this machine has data of its own/);
  });

  it('waits for models that the host fetches by itself, and names those that it could not', async () => {
    const wanted = {
      ...FILE,
      content: JSON.stringify({ from: 'hf://o/p@main', start: 'boot', files: [{ size: 9 }] }),
    };
    const node = { ...NODE, files: { ...NODE.files, '/opt/citadel/configs/weights/phi3.json': wanted } };
    const lost = weights(model('missing', { source: null, created: null }));
    const states = ['waiting', 'fetching', 'there', 'there'] as const;
    let looks = 0;
    const recovery: Partial<RecoveryPort> = {
      planWeights: () => Promise.resolve(lost),
      restoreWeights: () => Promise.resolve(lost),
      fetching: () => {
        const state = states[looks] ?? 'there';
        looks += 1;
        return Promise.resolve([
          { model: 'phi3', state, said: '40 %', service: looks < 4 ? 'activating' : 'active' },
        ]);
      },
    };
    const { code, printed } = await call('rebuild alpha --yes', world(recovery, {}, node));
    expect(printed.err).toContain('alpha: phi3: 40 %\n');
    expect(printed.err).toContain('alpha: phi3: loading\n');
    expect(printed.out).toMatch(/fetch .* 1 of 1 model fetched, 9 B/);
    expect([code, looks]).toEqual([0, 4]);
    const failed = await call(
      'rebuild alpha --yes',
      world(
        {
          ...recovery,
          fetching: () =>
            Promise.resolve([{ model: 'phi3', state: 'failed', said: '403 Forbidden', service: 'inactive' }]),
        },
        {},
        node,
      ),
    );
    expect(failed.code).toBe(1);
    expect(failed.printed.out).toContain('- model phi3: 403 Forbidden');
    expect(failed.printed.out).toContain('The host tries again each hour.');
  });
});
