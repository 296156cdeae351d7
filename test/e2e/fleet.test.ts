import { afterAll, beforeAll, expect, it } from 'vitest';
import { smallHosts, type Finished, type HostName } from '../lab/api.js';
import { describeFleet } from '../lab/suite.js';
import { fleetManifest, LineRun, wavesOf, writeFleet } from './fleet-host.js';
import { Workbench } from './harness.js';

const HOSTS = smallHosts(8);
const [FIRST, , THIRD, , HUNG, STOPPED, DEAD, JUMP] = HOSTS as [
  HostName,
  HostName,
  HostName,
  HostName,
  HostName,
  HostName,
  HostName,
  HostName,
];
/** Machines of CI are shared. */
const LONG = { timeoutMs: 500_000 };
/** Longer than the test waits: a host that hangs is let go on when the others are through. */
const PATIENT = { timeouts: { connectSec: 300, readSec: 300 } };

describeFleet('eight hosts', HOSTS.length, (lab) => {
  let workbench: Workbench;
  let file: string;

  beforeAll(async () => {
    workbench = await Workbench.open(lab);
  });
  afterAll(() => workbench.close());

  const documents = async (text: string, bad?: HostName): Promise<string> =>
    (file = await writeFleet(
      workbench,
      HOSTS.map((host) => fleetManifest(host, text, host === bad ? '/usr/bin/false' : undefined)),
    ));
  const others = (...hosts: HostName[]): HostName[] => HOSTS.filter((host) => !hosts.includes(host));
  /** Options stand before the command. */
  const onAll = (...words: string[]): Promise<Finished> => {
    const options = ['--inventory', workbench.inventory, '--on', '*', '--'];
    return lab.operator.exec(['node', 'bin/citadel-iac.mjs', 'run', ...options, ...words], {
      timeoutMs: 300_000,
    });
  };
  const isAt = (host: HostName): Promise<string> =>
    lab
      .host(host)
      .mustExec(['cat', '/etc/fleet.conf'])
      .then((text) => text.trim());

  it('are applied to in waves, over one connection to the jump host that they share', async () => {
    const { address, user, hostKeys, identityFile } = (await lab.inventory())[JUMP]!;
    const jump = { address, user, hostKeys, identityFile };
    const behind = Object.fromEntries(others(JUMP).map((host) => [host, { jump }]));
    const inventory = await workbench.writeInventory(behind, `${workbench.folder}/behind.yaml`);
    const logIns = async (): Promise<number> =>
      Number(
        await lab.host(JUMP).mustExec('journalctl -u ssh -o cat | grep -c "^Accepted publickey" || true'),
      );
    const before = await logIns();
    const run = await workbench.cli(
      ['apply', '--yes', '--canary', '1', '--batch', '3', '--manifest', await documents('one')],
      { inventory, ...LONG },
    );
    expect(run.code, run.stderr).toBe(0);
    expect(wavesOf(run)).toEqual([
      'Wave 1 of 4: h01',
      'Wave 2 of 4: h02, h03, h04',
      'Wave 3 of 4: h05, h06, h07',
      'Wave 4 of 4: h08',
    ]);
    expect(run.stdout).toContain('h01, h02, h03, h04, h05, h06, h07, h08: done.');
    // Its own, once again to prove that it can still be reached, and one for all seven behind it with as much.
    expect((await logIns()) - before).toBeLessThanOrEqual(2 + 1 + 7);
    const again = await logIns();
    expect((await workbench.cli(['diff', '--manifest', file], { inventory, ...LONG })).code).toBe(0);
    expect((await logIns()) - again).toBe(2);
  });

  it('stop after a failure, and go on with those that failed and those that are left', async () => {
    const bad = await documents('two', THIRD);
    const run = await workbench.cli(
      ['apply', '--yes', '--json', '--canary', '1', '--batch', '2', '--max-failures', '1', '--manifest', bad],
      LONG,
    );
    expect(run.code).not.toBe(0);
    expect(run.json()).toMatchObject({
      hosts: {
        h01: { outcome: 'committed' },
        h02: { outcome: 'committed' },
        h03: { outcome: 'rolled-back' },
      },
      notBegun: ['h04', 'h05', 'h06', 'h07', 'h08'],
    });
    expect(await Promise.all(HOSTS.map(isAt))).toEqual(['two', 'two', ...Array<string>(6).fill('one')]);

    const good = await documents('two');
    const rest = await workbench.cli(['apply', '--yes', '--json', '--on', '@rest', '--manifest', good], LONG);
    expect(rest.code, rest.stderr).toBe(0);
    expect(Object.keys((rest.json() as { hosts: object }).hosts)).toEqual([
      'h04',
      'h05',
      'h06',
      'h07',
      'h08',
    ]);
    const failed = await workbench.cli(
      ['apply', '--yes', '--json', '--on', '@failed', '--manifest', good],
      LONG,
    );
    expect(failed.code, failed.stderr).toBe(0);
    expect(Object.keys((failed.json() as { hosts: object }).hosts)).toEqual([THIRD]);
    expect(await Promise.all(HOSTS.map(isAt))).toEqual(Array<string>(8).fill('two'));
  });

  it('wait for none that hangs, and a dead one is named', async () => {
    await workbench.writeInventory({
      [HUNG]: PATIENT,
      [STOPPED]: PATIENT,
      [DEAD]: { address: '192.168.10.99' },
    });
    const sshd = (await lab.host(HUNG).mustExec(['cat', '/run/sshd.pid'])).trim();
    const hang = async (signal: 'STOP' | 'CONT'): Promise<void> => {
      await lab.host(HUNG).mustExec(['kill', `-${signal}`, sshd]);
      process.kill(lab.host(STOPPED).pid1 as number, `SIG${signal}`);
    };
    const three = await documents('three');
    await hang('STOP');
    let diff: LineRun;
    let apply: LineRun;
    try {
      diff = new LineRun(workbench, ['diff', '--manifest', three]);
      await diff.tells(others(HUNG, STOPPED));
      apply = new LineRun(workbench, ['apply', '--yes', '--manifest', three]);
      await apply.tells(others(HUNG, STOPPED));
      expect([...diff.lines, ...apply.lines].filter(({ host }) => host === HUNG)).toEqual([]);
      expect(await Promise.all(others(HUNG, STOPPED, DEAD).map(isAt))).toEqual(
        Array<string>(5).fill('three'),
      );
    } finally {
      await hang('CONT');
    }
    expect(await Promise.all([diff.ended, apply.ended])).toEqual([1, 1]);
    for (const { lines } of [diff, apply]) {
      const failed = lines.flatMap(({ host, error }) => (error === undefined ? [] : [host]));
      expect(failed).toContain(DEAD);
      // systemctl waits for its manager, but not for ever.
      expect([DEAD, STOPPED]).toEqual(expect.arrayContaining(failed));
      expect(lines).toHaveLength(8);
    }
    expect(apply.stderr).toContain(`${DEAD} could not be read and is left alone.`);
    expect(await isAt(HUNG)).toBe('three');

    await workbench.writeInventory({});
    const failed = new LineRun(workbench, ['apply', '--yes', '--on', '@failed', '--manifest', three]);
    expect(await failed.ended).toBe(0);
    expect(failed.lines).toContainEqual(expect.objectContaining({ host: DEAD, outcome: 'committed' }));
    expect(await Promise.all(HOSTS.map(isAt))).toEqual(Array<string>(8).fill('three'));
  });

  it('are asked where they stand, and run one command each', async () => {
    await workbench.writeInventory({});
    const status = await workbench.cli(['status', '--json'], LONG);
    expect(status.code, status.stderr).toBe(0);
    const { hosts } = status.json() as { hosts: Record<string, { generation: number }> };
    expect(Object.keys(hosts)).toEqual(HOSTS);
    expect(new Set(Object.values(hosts).map(({ generation }) => generation)).size).toBe(1);
    const run = await onAll('sh', '-c', 'echo "answer of $(cat /etc/fleet.conf)"');
    expect(run.code, run.stderr).toBe(0);
    expect(run.stdout.match(/answer of/g)).toHaveLength(1);
    expect(run.stdout).toContain(HOSTS.join(', '));
    const odd = await onAll('sh', '-c', `test "$(hostname)" != ${FIRST}`);
    expect(odd.code).toBe(1);
    expect(odd.stderr).toContain(`Failed on ${FIRST}.`);
  });
});
