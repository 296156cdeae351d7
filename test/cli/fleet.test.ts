import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { processShell } from '../../lib/cli/process-shell.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { call, down } from './call.js';
import { CHANGE, PIN, planOf, type ShellScript } from './doubles.js';

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
