import { describe, expect, it } from 'vitest';
import { run } from '../../lib/cli/run.js';
import type { Inventory } from '../../lib/inventory/index.js';
import { CitadelError, type HostManifest } from '../../lib/manifest/index.js';
import { CHANGE, planOf, shellDouble, type EngineScript, type ShellScript } from './doubles.js';

/** Each host has a file that names every host, but for `gamma`, which knows of no other. */
function buildHosts({ hosts }: Inventory): HostManifest[] {
  const names = Object.keys(hosts).sort();
  return names.map((host) => ({
    version: 1,
    host,
    files: {
      '/etc/known': {
        content: host === 'gamma' ? '' : names.join(),
        owner: 'root',
        group: 'root',
        mode: '0644',
      },
    },
  }));
}

async function call(words: readonly string[], engine: EngineScript = {}, script: Partial<ShellScript> = {}) {
  const shell = shellDouble({ app: { buildHosts }, ...script, engine });
  const code = await run(words, shell, '1.2.3');
  return { code, ...shell.printed, questions: shell.questions, engineDouble: shell.engineDouble };
}

const plans = { alpha: planOf('alpha', { changes: [{ ...CHANGE, action: 'delete' }] }) };

describe('retire', () => {
  it('shows what goes and what stays, asks, and says what is left to do', async () => {
    const { code, out, err, questions, engineDouble } = await call(
      ['retire', 'alpha'],
      { plans },
      { answer: true },
    );
    expect(code, err).toBe(0);
    expect(questions).toEqual(['Carry out 1 change on alpha?']);
    expect(engineDouble.applied.map(({ plan }) => plan.manifest)).toEqual([{ version: 1, host: 'alpha' }]);
    expect(out).toContain(
      'data stay: models, backups, samples, logs, earlier generations (citadel-iac rollback alpha',
    );
    expect(out).toContain('  1. Take hosts.alpha out of inv.yaml');
    expect(out).toContain('  2. Apply those that know of it: beta\n');
  });

  it.each([
    [
      'itself',
      'hosts:\n  alpha:\n    root: /srv/alpha\n    protect: true\n  beta: { root: /srv/beta }\n',
      'inv.yaml:4:14',
    ],
    ['as all are', 'defaults:\n  protect: true\nhosts:\n  alpha: { root: /srv/alpha }\n', 'inv.yaml:2:12'],
  ])(
    'refuses a host that is protected (%s) before it asks the host anything',
    async (_how, inventory, at) => {
      const { code, out, err, questions, engineDouble } = await call(
        ['retire', 'alpha', '--yes'],
        { plans },
        { inventory },
      );
      expect(err).toBe(
        `[${at}] alpha is protected (protect: true), so nothing was taken off it. ` +
          'If it is to be retired all the same, set hosts.alpha.protect to false and run the command again.\n',
      );
      expect([code, out, questions, engineDouble.calls]).toEqual([1, '', [], []]);
    },
  );

  it('retires one that says itself that it is not protected', async () => {
    const inventory = 'defaults: { protect: true }\nhosts: { alpha: { root: /srv/alpha, protect: false } }\n';
    const { code, err } = await call(['retire', 'alpha', '--yes'], { plans }, { inventory });
    expect(code, err).toBe(0);
  });

  it('does nothing without a yes', async () => {
    const { code, err, engineDouble } = await call(['retire', 'alpha'], { plans }, { answer: false });
    expect([code, engineDouble.applied]).toEqual([1, []]);
    expect(err).toContain('Nothing was changed.');
  });

  it('says of a machine that is gone what is left to do all the same', async () => {
    const gone = new CitadelError({ code: 'ssh.unreachable', path: 'alpha', got: 'no answer', fix: 'Look.' });
    const { code, out, err } = await call(['retire', 'alpha', '--yes'], { plans: { alpha: gone } });
    expect(code).toBe(1);
    expect(err).toContain('Nothing was changed. If the machine is gone for good:');
    expect(out).toContain('  1. Take hosts.alpha out of inv.yaml');
  });

  it('says where else the inventory speaks of it', async () => {
    const refusing = (inventory: Inventory): HostManifest[] => {
      if (inventory.hosts['alpha'] !== undefined) return buildHosts(inventory);
      throw new CitadelError({
        code: 'x',
        path: 'beta/gateway',
        got: 'there is no host alpha',
        fix: 'Name another.',
      });
    };
    const { out } = await call(['retire', 'alpha', '--yes'], { plans }, { app: { buildHosts: refusing } });
    expect(out).toContain('is refused without it: [beta/gateway] there is no host alpha');
  });
});
