import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { processShell } from '../../lib/cli/process-shell.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { call, down } from './call.js';
import { CHANGE, observed, PIN, planOf, type ShellScript } from './doubles.js';

const names = (count: number): string[] =>
  Array.from({ length: count }, (_, index) => `h${String(index + 1).padStart(3, '0')}`);

/** An inventory of so many hosts, on each of which one thing differs. */
function fleet(count: number, more: ShellScript['engine'] = {}): ShellScript {
  const hosts = names(count);
  return {
    inventory: `hosts:\n${hosts
      .map(
        (host, index) =>
          `  ${host}: { address: 10.0.0.${index + 1}, ssh: { user: root, hostKeys: [${PIN}] } }\n`,
      )
      .join('')}`,
    engine: {
      plans: Object.fromEntries(hosts.map((host) => [host, planOf(host, { changes: [CHANGE] })])),
      ...more,
    },
  };
}

describe('work on many hosts', () => {
  it('is done on as many at a time as --parallel says, 25 by default', async () => {
    for (const [words, most] of [
      ['--parallel 3', 3],
      ['', 25],
    ] as const) {
      let now = 0;
      let seen = 0;
      const { code } = await call(
        `apply --yes ${words}`,
        fleet(40, {
          onApply: async () => {
            seen = Math.max(seen, ++now);
            await sleep(5);
            now -= 1;
          },
        }),
      );
      expect(code).toBe(0);
      expect(seen).toBe(most);
    }
  });

  it('refuses a number that is none', async () => {
    const { code, printed } = await call('diff --parallel 0', fleet(1));
    expect(code).toBe(1);
    expect(printed.err).toContain('Give a number of hosts from 1 to 99999.');
  });

  it('warns of no leak, however many hosts listen for Ctrl-C', async () => {
    const warnings: string[] = [];
    const note = ({ name }: Error): void => void warnings.push(name);
    process.on('warning', note);
    const { signal } = processShell({ folder: '/', load: () => Promise.resolve({}) }, '1.2.3');
    for (const host of names(40)) signal.addEventListener('abort', () => host);
    await sleep(10);
    process.off('warning', note);
    expect(warnings).toEqual([]);
  });

  it('goes on where one fails', async () => {
    const script = fleet(30, { open: { h003: down } });
    const { code, engineDouble } = await call('apply --yes', script);
    expect(code).toBe(1);
    expect(engineDouble.applied).toHaveLength(29);
  });
});

describe('waves', () => {
  const failing = (...hosts: string[]): ShellScript['engine'] => ({
    results: Object.fromEntries(hosts.map((host) => [host, { outcome: 'rolled-back' as const }])),
  });
  const applied = (shell: Awaited<ReturnType<typeof call>>): string[] =>
    shell.engineDouble.applied.map(({ plan }) => plan.host);

  it('go on from a canary to batches while all is well', async () => {
    const most: number[] = [];
    let now = 0;
    const script = fleet(10, {
      onApply: async () => {
        most.push(++now);
        await sleep(5);
        now -= 1;
      },
    });
    const shell = await call('apply --yes --canary 1 --batch 3', script);
    expect(shell.code).toBe(0);
    expect(applied(shell)).toEqual(names(10));
    expect(most).toEqual([1, 1, 2, 3, 1, 2, 3, 1, 2, 3]);
    expect(shell.printed.err).toContain('Wave 2 of 4: h002, h003, h004');
  });

  it('stop at a canary that failed: the others are unchanged, named, and can be gone on with', async () => {
    const shell = await call(
      'apply --yes --canary 1 --batch 50% --max-failures 9',
      fleet(5, failing('h001')),
    );
    expect(shell.code).toBe(1);
    expect(applied(shell)).toEqual(['h001']);
    expect(shell.printed.err).toContain(
      'Stopped: h001 failed. Not begun, and unchanged: h002, h003, h004, h005.',
    );
  });

  it('stop after so many failures, and begin nothing more', async () => {
    const script = fleet(10, failing('h002', 'h005'));
    const one = await call('apply --yes --batch 2', script);
    expect(applied(one)).toEqual(['h001', 'h002']);
    const two = await call('apply --yes --batch 20% --max-failures 2 --json', script);
    expect(applied(two)).toEqual(names(6));
    expect(JSON.parse(two.printed.out)).toMatchObject({ notBegun: ['h007', 'h008', 'h009', 'h010'] });
    const single = await call('apply --yes --parallel 1 --max-failures 1', script);
    expect(applied(single)).toEqual(['h001', 'h002']);
    const all = await call('apply --yes', script);
    expect(applied(all)).toHaveLength(10);
  });

  it('take no host with nothing to do for a canary', async () => {
    const script = fleet(4);
    const plans = { ...script.engine!.plans, h001: planOf('h001') };
    const shell = await call('apply --yes --canary 1 --batch 2', {
      ...script,
      engine: { ...script.engine, plans },
    });
    expect(shell.printed.err).toContain('Wave 1 of 2: h002');
    expect(shell.code).toBe(0);
  });
});

describe('a host that is slow to be read', () => {
  /** Reading `h002` ends when the other two are through, or after a second: then they were kept waiting. */
  const slow = (more: ShellScript['engine'] = {}): { script: ShellScript; order: string[] } => {
    const order: string[] = [];
    let through: () => void = () => undefined;
    const others = new Promise<void>((resolve) => (through = resolve));
    const script = fleet(3, {
      onPlan: async (host) => {
        if (host !== 'h002') return;
        await Promise.race([others, sleep(1000, undefined, { ref: false })]);
        order.push('read h002');
      },
      onApply: ({ host }) => {
        order.push(`apply ${host}`);
        if (order.length === 2) through();
      },
      ...more,
    });
    return { script, order };
  };

  it('keeps no other one waiting', async () => {
    const { script, order } = slow();
    const { code, printed } = await call('apply --yes', script);
    expect(order).toEqual(['apply h001', 'apply h003', 'read h002', 'apply h002']);
    expect(code).toBe(0);
    expect(printed.out.split('/etc/motd').length - 1).toBe(1);
    expect(printed.out).toContain('h003  the same as h001\n\nh002  the same as h001\n');
    expect(printed.out).toMatch(/^h001: done\..*\nh002: done\..*\nh003: done\./m);
  });

  it.each(['--batch 3', '--canary 1', '--max-failures 1', '--wait 1'])(
    'is waited for with %s',
    async (words) => {
      const { script, order } = slow();
      await call(`apply --yes ${words}`, script);
      expect(order[0]).toBe('read h002');
    },
  );

  it('is named when it could not be read, and the others are through', async () => {
    const folder = temporaryFolder('citadel-fleet-');
    const { script } = slow();
    const plans = { ...script.engine!.plans, h002: down, h003: planOf('h003') };
    const env = { XDG_STATE_HOME: folder };
    const { code, printed, engineDouble } = await call('apply --yes', {
      ...script,
      env,
      engine: { ...script.engine, plans },
    });
    expect(code).toBe(1);
    expect(printed.err).toContain('h002 could not be read and is left alone.');
    expect(printed.err).toContain('nothing answers');
    expect(printed.out).toContain('Nothing to do on h003.');
    expect(engineDouble.applied.map(({ plan }) => plan.host)).toEqual(['h001', 'h003']);
    const state = readdirSync(join(folder, 'citadel-iac/runs'));
    expect(readFileSync(join(folder, 'citadel-iac/runs', state[0]!), 'utf8')).toContain('"failed":["h002"]');
  });

  it('waits for its own interrupted run, which holds up no one', async () => {
    const open = { who: 'anna@laptop', since: 'today', state: 'applying', running: false };
    const { script } = slow();
    const cut = planOf('h001', { observed: observed({ open: open as never }), changes: [CHANGE] });
    const plans = { ...script.engine!.plans, h001: cut };
    const whole = planOf('h001', { changes: [CHANGE] });
    const { code, engineDouble, printed } = await call('apply --yes --json', {
      ...script,
      engine: { ...script.engine, plans, recovered: { h001: whole }, onPlan: () => undefined },
    });
    expect(code).toBe(0);
    expect(engineDouble.applied.map(({ plan }) => plan.host)).toEqual(['h002', 'h003', 'h001']);
    expect(Object.keys((JSON.parse(printed.out) as { hosts: object }).hosts)).toEqual(names(3));
  });
});

describe('--json-lines', () => {
  const lines = (text: string): Record<string, unknown>[] =>
    text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);

  it('prints a host of diff as soon as it was read, with what --json has of it', async () => {
    const order: string[] = [];
    const script = fleet(3, {
      plans: { h001: planOf('h001', { changes: [CHANGE] }), h003: down },
      onPlan: (host) => (host === 'h001' ? sleep(20) : undefined),
    });
    const { printed, code } = await call('diff --json-lines', script);
    order.push(...lines(printed.out).map(({ host }) => String(host)));
    expect(code).toBe(1);
    expect(order).toEqual(['h002', 'h003', 'h001']);
    const whole = JSON.parse((await call('diff --json', script)).printed.out) as {
      hosts: Record<string, object>;
    };
    expect(lines(printed.out)[2]).toEqual({ host: 'h001', ...whole.hosts['h001'] });
    expect(lines(printed.out)[1]).toEqual({ host: 'h003', error: 'nothing answers' });
  });

  it.each(['apply --yes --json-lines', 'apply --yes --json-lines --batch 1 --max-failures 2'])(
    'prints a host of %s as soon as it is through, and what was not begun',
    async (words) => {
      const script = fleet(4, { results: { h002: { outcome: 'rolled-back' }, h003: down } });
      const { printed } = await call(words, script);
      const all = lines(printed.out);
      expect(all.slice(0, 3)).toMatchObject([
        { host: 'h001', outcome: 'committed', changes: [{ key: '/etc/motd' }] },
        { host: 'h002', outcome: 'rolled-back' },
        { host: 'h003', error: 'nothing answers' },
      ]);
      expect(all[3]).toMatchObject(
        words.includes('batch') ? { host: 'h004', notBegun: true } : { host: 'h004', outcome: 'committed' },
      );
    },
  );

  it('prints a host of run and of status as soon as it has answered', async () => {
    const script = fleet(3, {
      command: async (host) => {
        if (host === 'h001') await sleep(20);
        return { exitCode: host === 'h002' ? 3 : 0, stdout: host };
      },
      open: { h003: down },
    });
    const run = lines((await call('run --on h* --json-lines -- true', script)).printed.out);
    expect(run).toMatchObject([
      { host: 'h003', error: 'nothing answers' },
      { host: 'h002', exitCode: 3 },
      { host: 'h001', exitCode: 0, stdout: 'h001' },
    ]);
    const waves = lines((await call('run --on h* --batch 1 --json-lines -- true', script)).printed.out);
    expect(waves.at(-1)).toEqual({ host: 'h003', notBegun: true });
    const status = lines((await call('status --json-lines', script)).printed.out);
    expect(status).toHaveLength(3);
    expect(status.find(({ host }) => host === 'h003')).toEqual({ host: 'h003', error: 'nothing answers' });
  });

  it.each(['--format text', '--out file', '--against main'])('is refused next to %s', async (words) => {
    const { code, printed } = await call(`diff --json-lines ${words}`, fleet(2));
    expect(code).toBe(1);
    expect(printed.err).toContain("option '--json-lines' cannot be used with option");
  });
});

describe('a choice of hosts', () => {
  const read = async (words: string, script = fleet(12)): Promise<string[]> => {
    const { engineDouble } = await call(`diff ${words}`, script);
    return engineDouble.calls.flatMap((each) => /^plan (.*)$/.exec(each)?.[1] ?? []).sort();
  };

  it('takes names, globs and ranges, and leaves others out', async () => {
    expect(await read('--on h00?')).toEqual(names(9));
    expect(await read('--on h[003:005] h001')).toEqual(['h001', 'h003', 'h004', 'h005']);
    expect(await read('--except h*0 --except h[001:008]')).toEqual(['h009', 'h011', 'h012']);
    expect(await read('h01* --except h011')).toEqual(['h010', 'h012']);
  });

  it('takes groups of the inventory, with those in them', async () => {
    const script = fleet(6);
    const inventory = `${script.inventory ?? ''}groups: { web: {}, edge: { groups: [web] }, empty: {} }\n`
      .replace('h002: {', 'h002: { groups: [web],')
      .replace('h004: {', 'h004: { groups: [edge],');
    expect(await read('--on @web', { ...script, inventory })).toEqual(['h002', 'h004']);
    expect(await read('--on @edge h001', { ...script, inventory })).toEqual(['h001', 'h004']);
    expect(await read('--except @web', { ...script, inventory })).toEqual(['h001', 'h003', 'h005', 'h006']);
    const near = await call('diff --on @wep', { ...script, inventory });
    expect(near.printed.err).toContain('unknown group "@wep". Did you mean "@web"?');
    const far = await call('diff --on @x', { ...script, inventory });
    expect(far.printed.err).toContain('Use one of: @edge, @empty, @web, @failed, @rest.');
    expect((await call('diff --on @empty', { ...script, inventory })).printed.err).toContain(
      'leaves no host',
    );
  });

  it('connects to the chosen only', async () => {
    const { engineDouble } = await call('diff --on h002', fleet(3));
    expect(engineDouble.calls.filter((each) => each.startsWith('open'))).toEqual(['open h002']);
  });

  it.each([
    ['--on x*', 'no host is like "x*"'],
    ['--on h[001:004]', 'unknown host "h004"'],
    ['--on @webb', 'unknown group "@webb"'],
    ['--on @faild', 'Did you mean "@failed"?'],
    ['--on @rest', 'of the last apply, and none is known here'],
    ['--on h001 --except h*', 'leaves no host'],
  ])('refuses %s', async (words, said) => {
    const { code, printed, engineDouble } = await call(`apply --yes ${words}`, fleet(3));
    expect(code).toBe(1);
    expect(printed.err).toContain(said);
    expect(engineDouble.applied).toEqual([]);
  });

  it('goes on with what the last apply left, and with what failed in it', async () => {
    const folder = temporaryFolder('citadel-fleet-');
    const env = { XDG_STATE_HOME: folder };
    const script = { ...fleet(4), cwd: folder, env };
    const broken = {
      ...script,
      engine: { ...script.engine, results: { h002: { outcome: 'refused' as const } } },
    };
    await call('apply --yes --batch 1', broken);
    expect(await read('--on @failed', script)).toEqual(['h002']);
    expect(await read('--on @rest', script)).toEqual(['h003', 'h004']);
    const rest = await call('apply --yes --on @rest', script);
    expect(rest.engineDouble.applied.map(({ plan }) => plan.host)).toEqual(['h003', 'h004']);
    const state = readdirSync(join(folder, 'citadel-iac/runs'));
    expect(readFileSync(join(folder, 'citadel-iac/runs', state[0]!), 'utf8')).toBe(
      '{"version":1,"failed":["h002"],"notBegun":[]}\n',
    );
  });
});

describe('what is printed of many hosts', () => {
  it('is how an apply ended, once for all that ended alike', async () => {
    const script = fleet(40, { results: { h007: { outcome: 'rolled-back' } } });
    const { printed } = await call('apply --yes', script);
    expect(printed.out).toContain('h001, h002, h003 … h040 (39 hosts): done.');
    expect(printed.out).toContain('h007: rolled back.');
    expect(printed.out.match(/: done\./g)).toHaveLength(1);
  });

  it('is a summary first, what is the same once, and equal hosts in one line', async () => {
    const script = fleet(40);
    const plans = Object.fromEntries(
      names(40).map((host, index) => [
        host,
        planOf(host, index < 30 ? {} : { changes: [index < 39 ? CHANGE : { ...CHANGE, key: '/etc/issue' }] }),
      ]),
    );
    const { printed, code } = await call('diff', { ...script, engine: { plans } });
    expect(code).toBe(2);
    const [first] = printed.out.split('\n');
    expect(first).toBe('40 hosts: 30 with nothing to do, 10 with something to see below');
    expect(printed.out.split('/etc/motd').length - 1).toBe(1);
    expect(printed.out).toContain(
      'h031, h032, h033, h034, h035, h036, h037, h038, h039  9 hosts, the same on each',
    );
    expect(printed.out).toContain('h040  agent0@h040:22');
    expect(printed.out).toContain('Nothing to do on h001, h002, h003 … h030 (30 hosts).');
    expect(printed.out.split('Nothing to do').length - 1).toBe(1);
  });
});
