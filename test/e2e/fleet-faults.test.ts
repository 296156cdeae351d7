import { afterAll, beforeAll, expect, it } from 'vitest';
import { smallHosts, waitFor, type FilledDisk, type HostName } from '../lab/api.js';
import { describeFleet } from '../lab/suite.js';
import { fleetManifest, LineRun, writeFleet, type Line } from './fleet-host.js';
import { Workbench } from './harness.js';

/** `npm run check:long fleet` has forty. */
const COUNT = Number(process.env['CITADEL_FLEET_HOSTS'] ?? '8');
const HOSTS = smallHosts(COUNT);
const [CANARY, HUNG, FULL, POWERLESS, EDITED, BROKEN, UNPLUGGED] = HOSTS as [
  HostName,
  HostName,
  HostName,
  HostName,
  HostName,
  HostName,
  HostName,
];
const FAULTY = [HUNG, FULL, POWERLESS, EDITED, BROKEN, UNPLUGGED];
/** Of the wave that meets the faults, and of each after it. */
const BATCH = Math.max(FAULTY.length, Math.ceil(COUNT * 0.3));
const SECOND = HOSTS.slice(1, 1 + BATCH);
const LATER = HOSTS.slice(1 + BATCH);
/** Starts when a test says so: the run stays in its first wave until then. */
const HELD = [
  '/usr/bin/sleep infinity',
  "ExecStartPre=/bin/sh -c 'until [ -e /run/go ]; do sleep 0.1; done'",
  'TimeoutStartSec=600',
].join('\n');

describeFleet(`an upgrade of ${String(COUNT)} hosts in waves, with faults on six of them`, COUNT, (lab) => {
  let workbench: Workbench;

  beforeAll(async () => {
    workbench = await Workbench.open(lab);
  });
  afterAll(() => workbench.close());

  const documents = (text: string, programs: Partial<Record<HostName, string>> = {}): Promise<string> =>
    writeFleet(
      workbench,
      HOSTS.map((host) => fleetManifest(host, text, programs[host])),
    );
  const textsOf = (hosts: readonly HostName[]): Promise<string[]> =>
    Promise.all(
      hosts.map(async (host) => {
        const program = 'systemctl is-active fleet; cat /etc/fleet.conf';
        return (await lab.host(host).exec(program)).stdout.trim().replace('\n', ' ');
      }),
    );

  it('says what was undone and what was not begun, and goes on when they are whole again', async () => {
    const first = new LineRun(workbench, ['apply', '--yes', '--manifest', await documents('one')]);
    expect(await first.ended, first.stderr).toBe(0);

    const two = await documents('two', { [CANARY]: HELD, [BROKEN]: '/usr/bin/false' });
    // Where no one can log in, the host waits no longer than this.
    await workbench.writeInventory({ [HUNG]: { timeouts: { confirmSec: 10 } } });
    const waves = ['--canary', '1', '--batch', String(BATCH), '--max-failures', '1'];
    const upgrade = new LineRun(workbench, ['apply', '--yes', ...waves, '--manifest', two]);
    await waitFor('the first wave', 300_000, () => upgrade.stderr.includes('Wave 1 of') || undefined);
    const sshd = (await lab.host(HUNG).mustExec(['cat', '/run/sshd.pid'])).trim();
    await lab.host(HUNG).mustExec(['kill', '-STOP', sshd]);
    const filled: FilledDisk = await lab.host(FULL).fillDisk('/var/lib', 65_536);
    await lab.host(FULL).exec('cat /dev/zero >/var/lib/rest');
    await lab.host(POWERLESS).kill();
    await lab.host(EDITED).writeFile('/etc/fleet.conf', 'by hand\n');
    await lab.host(UNPLUGGED).unplug();
    await lab.host(CANARY).mustExec(['touch', '/run/go']);
    expect(await upgrade.ended, upgrade.stderr).not.toBe(0);

    const said = new Map(upgrade.lines.map((line) => [line.host, line]));
    expect([...said.keys()].sort()).toEqual(HOSTS);
    const came = (hosts: readonly HostName[]): Partial<Line>[] =>
      hosts.map((host) => {
        const { outcome, notBegun, error } = said.get(host) as Line;
        return {
          ...(outcome !== undefined && { outcome }),
          ...(notBegun && { notBegun }),
          ...(error !== undefined && { error: 'said' }),
        };
      });
    const whole = [CANARY, ...SECOND.filter((host) => !FAULTY.includes(host))];
    expect(came(whole)).toEqual(whole.map(() => ({ outcome: 'committed' })));
    expect(came([HUNG, FULL, EDITED, BROKEN])).toEqual([
      { outcome: 'rolled-back' },
      { outcome: expect.stringMatching(/^(refused|rolled-back)$/) as string },
      { outcome: 'refused' },
      { outcome: 'rolled-back' },
    ]);
    expect(came([POWERLESS, UNPLUGGED])).toEqual([{ error: 'said' }, { error: 'said' }]);
    expect(came(LATER)).toEqual(LATER.map(() => ({ notBegun: true })));
    expect(upgrade.stderr).toContain(`Not begun, and unchanged: ${LATER.join(', ')}.`);

    await lab.host(HUNG).mustExec(['kill', '-CONT', sshd]);
    await filled.free();
    await lab.host(FULL).mustExec(['rm', '/var/lib/rest']);
    await lab.host(POWERLESS).start();
    await lab.host(UNPLUGGED).plug();
    expect(await textsOf(whole)).toEqual(whole.map(() => 'active two'));
    expect(await textsOf([HUNG, FULL, EDITED, BROKEN])).toEqual([
      'active one',
      'active one',
      'active by hand',
      'active one',
    ]);
    for (const text of await textsOf([POWERLESS, UNPLUGGED]))
      expect(['active one', 'active two']).toContain(text);
    expect(await textsOf(LATER)).toEqual(LATER.map(() => 'active one'));

    await workbench.writeInventory({});
    const good = await documents('two');
    const failed = new LineRun(workbench, ['apply', '--yes', '--on', '@failed', '--manifest', good]);
    expect(await failed.ended, failed.stderr).toBe(0);
    expect(failed.lines.map(({ host }) => host).sort()).toEqual(FAULTY);
    if (LATER.length > 0) {
      const rest = new LineRun(workbench, ['apply', '--yes', '--on', '@rest', '--manifest', good]);
      expect(await rest.ended, rest.stderr).toBe(0);
      expect(rest.lines.map(({ host }) => host).sort()).toEqual(LATER);
    }
    const done = await textsOf(HOSTS.filter((host) => host !== CANARY));
    expect(done).toEqual(done.map(() => 'active two'));
  });
});
