import { existsSync } from 'node:fs';
import { afterAll, expect, it } from 'vitest';
import { Lab } from './api.js';
import { run } from './process.js';
import { describeLab } from './suite.js';

describeLab('a second lab next to the first', (first) => {
  // Not `-2`: that is the lab of the test runner's second worker.
  const second = Lab.named(`${first.name}-down`);

  afterAll(async () => {
    await second.down();
  });

  it('has hosts of the same addresses and its own keys, and goes without a trace', async () => {
    await second.up();
    const keys = await Promise.all([first, second].map((lab) => lab.host('ai-node').hostKeyFingerprints()));
    expect(keys[0]?.[0]).not.toBe(keys[1]?.[0]);
    const ids = await Promise.all(
      [first, second].map(async (lab) => (await lab.operator.ssh('ai-node', 'cat /etc/machine-id')).stdout),
    );
    expect(ids[0]).not.toBe(ids[1]);
    // A host that boots now takes copies of the second lab's mounts; they must not outlive it.
    await first.host('dev-ops').reboot();
    const left = second.operator.spawn(['sleep', '600'], { stdio: 'ignore' });
    const ended = new Promise((resolve) => left.once('exit', (_, signal) => resolve(signal)));
    const leaders = (await second.status()).hosts.map((host) => host.pid1);

    await second.down();
    expect(await ended).toBe('SIGKILL');
    expect(existsSync(second.layout.state)).toBe(false);
    expect(existsSync(second.layout.stableLink)).toBe(false);
    for (const pid of leaders) expect(existsSync(`/proc/${pid}`)).toBe(false);
    const traces = [
      ['ip', 'netns', 'list'],
      ['cat', '/proc/self/mountinfo'],
      ['losetup', '--list'],
      ['sh', '-c', 'ls -d /sys/fs/cgroup/*/ /sys/fs/cgroup/*/*/'],
      ['ps', '-eo', 'args'],
    ];
    for (const command of traces) {
      const { stdout } = await run(command);
      expect(stdout).not.toContain(`${second.name}-ai-node`);
      expect(stdout).not.toContain(`${second.name}-operator`);
      expect(stdout).not.toContain(`${second.layout.state}/`);
    }
    expect((await first.operator.ssh('ai-node', 'true')).code).toBe(0);
  });

  it('may be taken down twice, and brought up twice', async () => {
    await second.down();
    await first.up();
    expect((await first.status()).hosts.map((host) => host.state)).toEqual(['up', 'up']);
  });
});
