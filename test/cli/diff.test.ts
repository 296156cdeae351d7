import { describe, expect, it } from 'vitest';
import { CitadelError } from '../../lib/manifest/index.js';
import { call, differing, down } from './call.js';
import { CHANGE, observed, planOf } from './doubles.js';

describe('diff', () => {
  it('is 0 when nothing differs, on every host, over one connection each', async () => {
    const { code, printed, engineDouble } = await call('diff');
    expect(code).toBe(0);
    expect(printed.out).toBe(
      'alpha  agent0@alpha:22, generation 4\n\n  Nothing to do.\n\nbeta  agent0@beta:22, generation 4\n\n  Nothing to do.\n\n',
    );
    expect(printed.err).toBe('');
    expect([...engineDouble.calls].sort()).toEqual([
      'close alpha',
      'close beta',
      'open alpha',
      'open beta',
      'plan alpha',
      'plan beta',
    ]);
  });

  it('is 2 when something differs, and asks only the hosts that are named', async () => {
    const { code, printed, engineDouble } = await call('diff alpha', {
      engine: { plans: { alpha: differing } },
    });
    expect(code).toBe(2);
    expect(printed.out).toContain('  ~ files /etc/motd  (drift)\n      mode 0600 → 0644\n');
    expect(engineDouble.calls).toEqual(['open alpha', 'plan alpha', 'close alpha']);
  });

  it('prints JSON as the contract has it', async () => {
    const { code, printed } = await call('diff --json', { engine: { plans: { alpha: differing } } });
    expect(code).toBe(2);
    expect(JSON.parse(printed.out)).toEqual({
      hosts: {
        alpha: {
          digest: differing.digest,
          changes: [
            {
              section: 'files',
              key: '/etc/motd',
              action: 'update',
              cause: 'drift',
              before: { mode: '0600' },
              after: { mode: '0644' },
              diff: CHANGE.diff,
              restarts: ['a.service'],
            },
          ],
        },
        beta: { digest: planOf('beta').digest, changes: [] },
      },
    });
  });

  it('is 1 when a host cannot be read, and shows the others', async () => {
    const { code, printed } = await call('diff', {
      engine: { open: { beta: down }, plans: { alpha: differing } },
    });
    expect(code).toBe(1);
    expect(printed.out).toContain('alpha  agent0@alpha:22');
    expect(printed.err).toBe('[beta] nothing answers. Start it.\n');
  });

  it('names where the inventory says which key a host has, when it shows another', async () => {
    const other = new CitadelError({
      code: 'ssh.host-key',
      path: 'beta',
      got: 'the host offers another key',
      fix: 'Compare them',
    });
    const { code, printed } = await call('diff beta', { engine: { open: { beta: other } } });
    expect(code).toBe(1);
    expect(printed.err).toBe(
      '[beta] the host offers another key. Compare them (hosts.beta.ssh.hostKeys, inv.yaml:3:59).\n',
    );
  });

  it('is 2 when an earlier run left something undone', async () => {
    const open = { id: 'x', running: false, who: 'bob@x', since: '2026-01-01T00:00:00Z', state: 'switching' };
    for (const state of [observed({ debts: ['restart a.service'] }), observed({ open })]) {
      const { code } = await call('diff alpha', {
        engine: { plans: { alpha: planOf('alpha', { observed: state }) } },
      });
      expect(code).toBe(2);
    }
  });

  it('is 0 when only a generation is to be written down', async () => {
    const { code } = await call('diff alpha', {
      engine: { plans: { alpha: planOf('alpha', { record: true }) } },
    });
    expect(code).toBe(0);
  });

  it('takes a manifest from a file, and its host from the manifest', async () => {
    const files = { 'm.json': JSON.stringify({ version: 1, host: 'beta' }) };
    const { code, engineDouble } = await call('diff --manifest m.json', { files });
    expect(code).toBe(0);
    expect(engineDouble.calls).toEqual(['open beta', 'plan beta', 'close beta']);
  });

  it.each([
    ['diff gamma', '[inv.yaml] unknown host "gamma". Use one of: alpha, beta.\n'],
    [
      'diff alhpa betta',
      '[inv.yaml] unknown host "alhpa". Did you mean "alpha"?\n[inv.yaml] unknown host "betta". Did you mean "beta"?\n',
    ],
    ['diff alpha --manifest m.json', '[m.json] unknown host "alpha". Did you mean "alpha2"?\n'],
    ['diff --manifest m.json', '[inv.yaml] unknown host "alpha2". Did you mean "alpha"?\n'],
    [
      'diff --manifest b.json',
      '[b.json] is not JSON: Unexpected token \'x\', "x" is not valid JSON. Give a manifest as "citadel-iac render --json HOST" prints it.\n',
    ],
    [
      'diff --manifest two.json',
      '[two.json] is a second manifest for the host "alpha". Give one manifest per host.\n',
    ],
    [
      'diff --inventory no.yaml',
      '[no.yaml] cannot be read: there is no such file. Give a file or folder with --inventory or CITADEL_INVENTORY (default: stacks/inventory/citadel.yaml).\n',
    ],
  ])('refuses "%s"', async (line, message) => {
    const alpha = { version: 1, host: 'alpha' };
    const files = {
      'm.json': JSON.stringify({ version: 1, host: 'alpha2' }),
      'b.json': 'x',
      'two.json': JSON.stringify({ hosts: { a: alpha, b: alpha } }),
    };
    const { code, printed } = await call(line, { files });
    expect(code).toBe(1);
    expect(printed.err).toBe(message);
    expect(printed.out).toBe('');
  });

  it('colours for a terminal, unless told not to', async () => {
    const engine = { plans: { alpha: differing } };
    const escape = '\u001b[';
    expect((await call('diff alpha', { engine, terminal: true })).printed.out).toContain(escape);
    expect((await call('diff alpha', { engine })).printed.out).not.toContain(escape);
    expect((await call('diff alpha --no-color', { engine, terminal: true })).printed.out).not.toContain(
      escape,
    );
    expect(
      (await call('diff alpha', { engine, terminal: true, env: { NO_COLOR: '1' } })).printed.out,
    ).not.toContain(escape);
    expect((await call('diff alpha --json', { engine, terminal: true })).printed.out).not.toContain(escape);
  });
});

describe('verify', () => {
  it('is 0 and one line when a host is what it should be', async () => {
    const { code, printed } = await call('verify alpha');
    expect(code).toBe(0);
    expect(printed.out).toBe(`alpha: equal (generation 4, digest ${planOf('alpha').digest.slice(0, 12)})\n`);
  });

  it('is 2 and a line per difference when it is not', async () => {
    const debts = observed({ debts: ['restart b.service'] });
    const plan = planOf('alpha', {
      observed: debts,
      changes: [
        CHANGE,
        { section: 'packages', key: 'htop', action: 'create', cause: 'drift' },
        { section: 'units', key: 'x.service', action: 'delete', cause: 'config' },
      ],
    });
    const { code, printed } = await call('verify alpha', { engine: { plans: { alpha: plan } } });
    expect(code).toBe(2);
    expect(printed.out).toBe(`alpha: differs (generation 4): 4 differences
  files /etc/motd: is different (drift)
  packages htop: is missing (drift)
  units x.service: should not be there any more (config)
  still owed by an earlier run: restart b.service
`);
  });

  it('names what an undo left, and how to end that', async () => {
    const left = [{ kind: 'path', item: '/etc/resolv.conf', reason: 'Operation not permitted' }];
    const open = {
      id: 'ab-1',
      running: false,
      who: 'anna@laptop',
      since: 'then',
      state: 'undo-failed',
      left,
    };
    const plan = planOf('alpha', { observed: observed({ open }) });
    const { code, printed } = await call('verify alpha', { engine: { plans: { alpha: plan } } });
    expect(code).toBe(2);
    expect(printed.out).toContain('/etc/resolv.conf');
    expect(printed.out).toContain('Operation not permitted');
    expect(printed.out).toContain('citadel-iac resolve alpha');
    const json = await call('verify alpha --json', { engine: { plans: { alpha: plan } } });
    expect(JSON.parse(json.printed.out)).toMatchObject({ hosts: { alpha: { open: { left } } } });
  });

  it('prints JSON', async () => {
    const { printed } = await call('verify alpha --json', { engine: { plans: { alpha: differing } } });
    expect(JSON.parse(printed.out)).toMatchObject({
      hosts: {
        alpha: {
          digest: differing.digest,
          generation: 4,
          equal: false,
          owed: [],
          changes: [{ key: '/etc/motd' }],
        },
      },
    });
  });
});
