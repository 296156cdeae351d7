import { describe, expect, it } from 'vitest';
import { run } from '../../lib/cli/run.js';
import { Interrupted } from '../../lib/cli/shell.js';
import type { ApplyOutcome } from '../../lib/engine/model.js';
import { call, differing, down } from './call.js';
import { CHANGE, observed, planOf, shellDouble } from './doubles.js';

describe('apply', () => {
  const engine = { plans: { alpha: differing } };

  it('shows the plan, asks, and carries it out', async () => {
    const { code, printed, questions, engineDouble } = await call('apply alpha', { engine, answer: true });
    expect(code).toBe(0);
    expect(questions).toEqual(['Apply 1 change on alpha?']);
    expect(printed.out).toContain('~ files /etc/motd');
    expect(printed.out).toMatch(/\nalpha: done\. The host is at generation 5\.\n$/);
    expect(engineDouble.applied[0]?.options).toMatchObject({
      who: 'anna@laptop',
      waitSec: 0,
      applyTimeoutSec: 1800,
      confirmTimeoutSec: 60,
    });
  });

  it('changes nothing without a yes', async () => {
    const { code, printed, engineDouble } = await call('apply alpha', { engine, answer: false });
    expect(code).toBe(1);
    expect(printed.err).toBe('Nothing was changed.\n');
    expect(engineDouble.applied).toEqual([]);
  });

  it('changes nothing when no one is there to ask', async () => {
    const { code, printed, engineDouble } = await call('apply alpha', { engine });
    expect(code).toBe(1);
    expect(printed.err).toBe(
      '[alpha] there are changes to make, and no one to ask: this is not a terminal; nothing was changed. Look at the plan above, and run the command again with --yes.\n',
    );
    expect(engineDouble.applied).toEqual([]);
  });

  it('does not ask when there is nothing to do', async () => {
    const { code, printed } = await call('apply alpha');
    expect(code).toBe(0);
    expect(printed.out).toMatch(/\nalpha: unchanged\. /);
  });

  it('asks before it writes down a first generation', async () => {
    const plan = planOf('alpha', { record: true });
    const { code, questions } = await call('apply alpha', {
      engine: { plans: { alpha: plan } },
      answer: true,
    });
    expect(code).toBe(0);
    expect(questions).toEqual(['No item differs. Write this down as a new generation on alpha?']);
  });

  it.each([
    ['committed', 0],
    ['refused', 1],
    ['undo-failed', 4],
    ['rolled-back', 3],
    ['locked', 1],
  ] as const)('%s is exit status %d', async (outcome: ApplyOutcome, status) => {
    const { code } = await call('apply alpha --yes', {
      engine: { ...engine, results: { alpha: { outcome } } },
    });
    expect(code).toBe(status);
  });

  it('of several hosts ends with the worst status', async () => {
    const plans = { alpha: differing, beta: planOf('beta', { changes: [CHANGE] }) };
    const codeOf = async (alpha: ApplyOutcome, beta: ApplyOutcome): Promise<number> =>
      (
        await call('apply --yes', {
          engine: { plans, results: { alpha: { outcome: alpha }, beta: { outcome: beta } } },
        })
      ).code;
    expect(await codeOf('committed', 'rolled-back')).toBe(3);
    expect(await codeOf('locked', 'committed')).toBe(1);
    expect(await codeOf('rolled-back', 'refused')).toBe(1);
    expect(await codeOf('rolled-back', 'undo-failed')).toBe(4);
    expect(await codeOf('undo-failed', 'refused')).toBe(4);
  });

  it('leaves a host alone that cannot be read, and goes on with the others', async () => {
    const { code, printed, engineDouble } = await call('apply --yes', {
      engine: { ...engine, open: { beta: down } },
    });
    expect(code).toBe(1);
    expect(engineDouble.applied.map(({ plan }) => plan.host)).toEqual(['alpha']);
    expect(printed.err).toMatch(
      /^alpha: done\n\[beta\] nothing answers\. Start it\.\nbeta could not be read and is left alone\.\n/,
    );
  });

  it('touches nothing when no host can be read', async () => {
    const { code, engineDouble } = await call('apply --yes', {
      engine: { ...engine, open: { alpha: down, beta: down } },
    });
    expect(code).toBe(1);
    expect(engineDouble.applied).toEqual([]);
  });

  it('goes on with other hosts when one is lost half way', async () => {
    const plans = { alpha: differing, beta: planOf('beta', { changes: [CHANGE] }) };
    const { code, printed } = await call('apply --yes', { engine: { plans, results: { beta: down } } });
    expect(code).toBe(1);
    expect(printed.out).toContain('alpha: done.');
    expect(printed.err).toContain('[beta] nothing answers. Start it.\n');
  });

  it('prints progress as lines where there is no terminal', async () => {
    const { printed } = await call('apply alpha --yes', {
      engine: {
        ...engine,
        onApply: (_plan, { onProgress }) => {
          onProgress({ kind: 'step', step: 'validate', detail: '' });
          onProgress({ kind: 'step', step: 'switch', detail: '1' });
        },
      },
    });
    expect(printed.err).toBe('alpha: validate\nalpha: switch 1\nalpha: done\n');
  });

  it('waits when told to: an hour, or the seconds that are given', async () => {
    const waitSec = async (flag: string): Promise<unknown> =>
      (await call(`apply alpha --yes ${flag}`, { engine })).engineDouble.applied[0]?.options.waitSec;
    expect(await waitSec('--wait')).toBe(3600);
    expect(await waitSec('--wait 90')).toBe(90);
    expect((await call('apply alpha --yes --wait long', { engine })).code).toBe(1);
  });

  it('prints JSON and nothing else on standard output', async () => {
    const { printed } = await call('apply alpha --yes --json', { engine });
    expect(JSON.parse(printed.out)).toMatchObject({
      hosts: {
        alpha: {
          outcome: 'committed',
          generation: 5,
          digest: differing.digest,
          changes: [{ key: '/etc/motd' }],
          notes: [],
        },
      },
    });
  });

  it('shows the plan next to JSON when someone is asked', async () => {
    const { printed } = await call('apply alpha --json', { engine, answer: true });
    expect(printed.err).toContain('~ files /etc/motd');
    expect(() => JSON.parse(printed.out) as unknown).not.toThrow();
  });

  it('on Ctrl-C asks the host to stop, says what happens, and waits for its answer', async () => {
    const shell = shellDouble({
      engine: {
        ...engine,
        results: { alpha: { outcome: 'refused', next: 'Nothing was changed; the host is at generation 4.' } },
        onApply: (_plan, { signal }) => {
          shell.abort.abort();
          expect(signal.aborted).toBe(true);
        },
      },
    });
    expect(await run(['apply', 'alpha', '--yes'], shell, '1')).toBe(130);
    expect(shell.printed.err).toContain(
      'Asked to stop. A host where nothing was touched yet stops; any other finishes or undoes by itself',
    );
    expect(shell.printed.err).toContain('citadel-iac history alpha; citadel-iac doctor alpha');
    expect(shell.printed.out).toContain('alpha: refused. Nothing was changed');
  });

  describe('on a host where a transaction died half way', () => {
    const open = { id: 'ab-1', running: false, who: 'ben@desk', since: 'noon', state: 'switching' };
    const between = planOf('alpha', { observed: observed({ open }), changes: [CHANGE, CHANGE] });
    const cut = { plans: { alpha: between }, recovered: { alpha: differing } };
    const said = 'alpha: a transaction of ben@desk from noon was interrupted (switching)\n';

    it('ends that first, and plans for what is there then', async () => {
      const { code, printed, engineDouble } = await call('apply alpha --yes', { engine: cut });
      expect(code).toBe(0);
      expect(printed.err).toContain(`${said}alpha: is at a whole generation again\n`);
      expect(engineDouble.calls.filter((each) => !/^(open|close)/.test(each))).toEqual([
        'plan alpha',
        'recover alpha',
        'plan alpha',
        'apply alpha',
      ]);
      expect(engineDouble.applied.map(({ plan }) => plan)).toEqual([differing]);
    });

    it('asks before both, and each answer counts', async () => {
      const { questions } = await call('apply alpha', { engine: cut, answer: true });
      expect(questions).toEqual([
        'Bring alpha to a whole generation first, as a reboot would?',
        'Apply 1 change on alpha?',
      ]);
      const refused = await call('apply alpha', { engine: cut, answer: false });
      expect(refused.code).toBe(1);
      expect(refused.printed.err).toBe(`${said}Nothing was changed.\n`);
      expect(refused.engineDouble.calls).not.toContain('recover alpha');
    });

    it('touches nothing when no one is there to ask', async () => {
      const { code, engineDouble } = await call('apply alpha', { engine: cut });
      expect(code).toBe(1);
      expect(engineDouble.calls).not.toContain('recover alpha');
    });

    it('leaves it to the apply to say what is wrong when it cannot be ended', async () => {
      const engine = { plans: { alpha: between }, results: { alpha: { outcome: 'undo-failed' as const } } };
      const { code, engineDouble } = await call('apply alpha --yes', { engine });
      expect(code).toBe(4);
      expect(engineDouble.applied.map(({ plan }) => plan)).toEqual([between]);
    });

    it('leaves a host alone that does not answer any more afterwards', async () => {
      const engine = { plans: { alpha: between }, recovered: { alpha: down } };
      const { code, engineDouble } = await call('apply alpha --yes', { engine });
      expect(code).toBe(1);
      expect(engineDouble.applied).toEqual([]);
    });

    it('does not disturb one that runs', async () => {
      const running = planOf('alpha', { observed: observed({ open: { ...open, running: true } }) });
      const { engineDouble } = await call('apply alpha --yes', { engine: { plans: { alpha: running } } });
      expect(engineDouble.calls).not.toContain('recover alpha');
    });
  });

  it('left at the question changes nothing', async () => {
    const shell = {
      ...shellDouble({ engine, answer: true }),
      confirm: () => Promise.reject(new Interrupted('Ctrl-C')),
    };
    expect(await run(['apply', 'alpha'], shell, '1')).toBe(130);
    expect(shell.printed.err).toBe('Nothing was changed.\n');
  });
});
