import { describe, expect, it } from 'vitest';
import { CitadelError } from '../../lib/manifest/index.js';
import { call } from './call.js';
import { CHANGE, PIN, planOf, type EngineScript } from './doubles.js';

const INVENTORY = `hosts:
  alpha: { address: 10.0.0.1, ssh: { user: agent0, hostKeys: [${PIN}], timeouts: { applySec: 600 } } }
  watch:
    address: 10.0.0.2
    ssh: { user: agent0, hostKeys: [${PIN}] }
    monitoring: { alertmanager: { port: 9193 } }
operator: { addresses: [10.0.0.9] }
`;
const API = 'http://127.0.0.1:9193/api/v2';
const refused = new CitadelError({
  code: 'silence.answer',
  path: 'watch',
  got: 'nothing answers',
  fix: 'Start it.',
});
const changing = planOf('alpha', {
  changes: [CHANGE],
  unitActions: [{ unit: 'a.service', action: 'restart' }] as never,
});

/** Bodies of what was posted, with times as seconds from the first. */
function alertmanager(posted: unknown[], answer?: CitadelError): NonNullable<EngineScript['alertmanager']> {
  return (method, url, body) => {
    if (answer !== undefined) return answer;
    if (method !== 'POST') return url.endsWith('/silences') ? '[]' : '';
    const { startsAt, endsAt, ...rest } = JSON.parse(body ?? '') as Record<string, string>;
    posted.push({ ...rest, seconds: (Date.parse(endsAt ?? '') - Date.parse(startsAt ?? '')) / 1000 });
    return '{"silenceID":"5f9f2f4e-1"}';
  };
}
const HOST = { name: 'host', value: 'alpha', isRegex: false, isEqual: true };

describe('planned work', () => {
  it('is silent while an apply takes services down, no longer than it may last, and lifted afterwards', async () => {
    const posted: unknown[] = [];
    const order: string[] = [];
    const { code, engineDouble } = await call('apply alpha --yes', {
      inventory: INVENTORY,
      engine: {
        plans: { alpha: changing },
        alertmanager: alertmanager(posted),
        onApply: () => void order.push('apply'),
      },
    });
    expect(code).toBe(0);
    expect(posted).toMatchObject([{ matchers: [HOST], comment: 'citadel-iac apply alpha', seconds: 600 }]);
    expect(engineDouble.calls.filter((each) => /^(?:POST|DELETE|apply)/.test(each))).toEqual([
      `POST ${API}/silences on watch`,
      'apply alpha',
      `DELETE ${API}/silence/5f9f2f4e-1 on watch`,
    ]);
  });

  it('asks nothing of anybody where no service is touched', async () => {
    const { code, engineDouble } = await call('apply alpha --yes', {
      inventory: INVENTORY,
      engine: { plans: { alpha: planOf('alpha', { changes: [CHANGE] }) } },
    });
    expect(code).toBe(0);
    expect(engineDouble.calls.filter((each) => each.includes('watch'))).toEqual([]);
  });

  it('is lifted also where the apply fails', async () => {
    const { code, engineDouble } = await call('apply alpha --yes', {
      inventory: INVENTORY,
      engine: { plans: { alpha: changing }, results: { alpha: refused }, alertmanager: alertmanager([]) },
    });
    expect(code).toBe(1);
    expect(engineDouble.calls).toContain(`DELETE ${API}/silence/5f9f2f4e-1 on watch`);
  });

  it('goes on where it cannot be silent, and says so', async () => {
    for (const engine of [
      { alertmanager: alertmanager([], refused) },
      { open: { watch: refused } },
    ] satisfies EngineScript[]) {
      const { code, printed } = await call('apply alpha --yes', {
        inventory: INVENTORY,
        engine: { plans: { alpha: changing }, ...engine },
      });
      expect(code).toBe(0);
      expect(printed.err).toContain(
        '! alerts about alpha are not silenced by watch meanwhile: [watch] nothing answers. Start it.',
      );
    }
  });
});

describe('planned work whose monitoring server', () => {
  const apply = (way: string) =>
    call('apply alpha --yes', {
      inventory: INVENTORY.replace(/ {4}address: 10\.0\.0\.2\n {4}ssh: .*\n/, way),
      engine: { plans: { alpha: changing } },
    });

  it('has no way to reach it goes on, and says so', async () => {
    const { code, printed } = await apply('    address: 10.0.0.2\n');
    expect(code).toBe(0);
    expect(printed.err).toMatch(/! alerts about alpha are not silenced by watch meanwhile: .*no way to/);
  });

  it('is an offline root asks nothing: its loopback would be the operator’s', async () => {
    const { code, printed, engineDouble } = await apply('    address: 10.0.0.2\n    root: /srv/watch\n');
    expect(code).toBe(0);
    expect(printed.err).not.toContain('silenced');
    expect(engineDouble.calls.filter((each) => each.includes('silences'))).toEqual([]);
  });
});

describe('silence', () => {
  const silence = (line: string, engine: EngineScript = {}) => call(line, { inventory: INVENTORY, engine });

  it('is about a host, a model or both, for a time, with a reason', async () => {
    const posted: unknown[] = [];
    const engine = { alertmanager: alertmanager(posted) };
    const { code, printed } = await silence(
      'silence --on alpha --model phi3 --for 90m --comment test',
      engine,
    );
    expect(code).toBe(0);
    expect(printed.out).toMatch(/^watch: silent until .*; to end it: citadel-iac silence lift 5f9f2f4e-1\n$/);
    expect(posted).toMatchObject([
      { matchers: [HOST, { ...HOST, name: 'model', value: 'phi3' }], comment: 'test', seconds: 5400 },
    ]);
  });

  it('lists what is in force, and lifts one of them', async () => {
    const found = ['active', 'expired'].map((state) => ({
      id: `${state.slice(0, 1)}1`,
      status: { state },
      matchers: [{ name: 'host', value: 'al\u001b[2Jpha', isRegex: true }],
      endsAt: '2026-01-01T02:00:00.000Z',
      createdBy: 'anna',
      comment: 'new disk',
    }));
    const engine: EngineScript = {
      alertmanager: (method) => (method === 'GET' ? JSON.stringify(found) : ''),
    };
    const { printed } = await silence('silence list', engine);
    expect(printed.out).toBe(
      'watch:\n  a1  until 2026-01-01T02:00:00.000Z  host=~"al\\u001b[2Jpha"  anna: new disk\n',
    );
    const lifted = await silence('silence lift a1', engine);
    expect(lifted.code).toBe(0);
    expect(lifted.engineDouble.calls).toContain(`DELETE ${API}/silence/a1 on watch`);
    const gone = await silence('silence lift e1', engine);
    expect(gone.code).toBe(1);
    expect(gone.printed.err).toContain('no silence in force has this id');
  });

  it.each([
    ['silence --for 2h --comment x', 'nothing says what is silenced. Give --on HOST, --model NAME, or both.'],
    ['silence --on alpha --comment x', 'nothing says for how long. Give a time: --for 2h.'],
    [
      'silence --on alpha --for 2h',
      'nothing says why. Give a reason, for whoever finds it: --comment "new disk".',
    ],
    ['silence --on alpha --for 2y --comment x', 'Give minutes, hours or days, at most 30 days: 90m, 2h, 3d.'],
    ['silence --on alhpa --for 2h --comment x', 'alhpa'],
    ['silence lift x/../y', 'is not the id of a silence'],
  ])('refuses %s', async (line, message) => {
    const { code, printed, engineDouble } = await silence(line);
    expect(code).toBe(1);
    expect(printed.err).toContain(message);
    expect(engineDouble.calls.filter((each) => /^(?:POST|DELETE)/.test(each))).toEqual([]);
  });

  it('says where there is nothing to silence', async () => {
    const { code, printed } = await call('silence list');
    expect(code).toBe(1);
    expect(printed.err).toContain('no host of this inventory has an Alertmanager');
  });
});
