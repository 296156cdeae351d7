import { readFile, readlink } from 'node:fs/promises';
import { beforeAll, expect, it } from 'vitest';
import { HOST_NAMES, type InventoryEntry } from './api.js';
import { INSTALLABLE } from './base/packages.js';
import { describeLab } from './suite.js';

describeLab('a booted lab', (lab) => {
  // Other tests leave their hosts as they end.
  beforeAll(() => lab.reset());

  it.each(HOST_NAMES)('%s runs systemd as PID 1, with nothing failed', async (name) => {
    const host = lab.host(name);
    expect((await host.mustExec(['systemctl', 'is-system-running'])).trim()).toBe('running');
    expect(await host.mustExec(['cat', '/proc/1/comm'])).toBe('systemd\n');
    expect((await host.mustExec(['hostname'])).trim()).toBe(name);
    expect(await host.mustExec('. /etc/os-release && echo "$VERSION_CODENAME"')).toBe(
      `${(await host.suite()) ?? ''}\n`,
    );
  });

  it.each(HOST_NAMES)('%s is reached by ssh with a pinned key, and agent0 may sudo', async (name) => {
    const result = await lab.operator.ssh(name, 'id -un && sudo -n id -un && cat /proc/self/cgroup');
    expect(result.stderr).toBe('');
    expect(result.stdout).toMatch(/^agent0\nroot\n.*session-/s);
    expect((await lab.operator.ssh(name, 'id -un', { user: 'root' })).stdout).toBe('root\n');
  });

  it('publishes the pins that the hosts really have', async () => {
    const text = await readFile(lab.layout.stableLink, 'utf8');
    expect(await readlink(lab.layout.stableLink)).toBe(lab.layout.inventory);
    const inventory = JSON.parse(text) as Record<string, InventoryEntry>;
    for (const name of HOST_NAMES) {
      const entry = inventory[name];
      const { address } = lab.host(name);
      expect(entry).toMatchObject({ address, user: 'agent0' });
      const scan = `ssh-keyscan -T 5 -t ed25519,ecdsa,rsa ${address} 2>/dev/null | ssh-keygen -lf -`;
      const served = (await lab.operator.mustExec(scan))
        .trim()
        .split('\n')
        .map((line) => line.split(' ')[1]);
      expect(served.sort()).toEqual([...(entry?.hostKeys ?? [])].sort());
    }
  });

  it('gives each host a machine id and host keys of its own', async () => {
    const ids = await Promise.all(
      HOST_NAMES.map((name) => lab.host(name).mustExec(['cat', '/etc/machine-id'])),
    );
    expect(new Set(ids).size).toBe(2);
    const keys = (await Promise.all(HOST_NAMES.map((name) => lab.host(name).hostKeyFingerprints()))).flat();
    expect(new Set(keys).size).toBe(6);
  });

  it('has no way in from the machine itself', async () => {
    const route = await lab.operator.exec([
      'nsenter',
      '--net=/proc/1/ns/net',
      'ip',
      'route',
      'get',
      lab.host('ai-node').address,
    ]);
    expect(route.stdout).not.toMatch(/dev (veth|br|p-)/);
    const inside = await lab.operator.mustExec(['ip', 'route']);
    expect(inside.trim()).toBe('192.168.10.0/24 dev eth0 proto kernel scope link src 192.168.10.1');
  });

  it('reaches from host to host and to the operator', async () => {
    const ping = 'ping -c 1 -W 2 192.168.10.36 && ping -c 1 -W 2 192.168.10.1';
    expect((await lab.host('ai-node').exec(ping)).code).toBe(0);
  });

  it('starts bare: what a deployment brings is not there yet', async () => {
    const host = lab.host('dev-ops');
    expect((await host.exec(['systemctl', 'is-enabled', 'nftables'])).stdout).toBe('disabled\n');
    const states = await host.exec([
      'dpkg-query',
      '--show',
      '--showformat=${db:Status-Status}\\n',
      ...INSTALLABLE,
    ]);
    expect(states.stdout).not.toMatch(/^installed$/m);
    const listening = await host.mustExec(['ss', '-Hltn']);
    expect(
      listening
        .trim()
        .split('\n')
        .every((line) => line.includes(':22 ')),
    ).toBe(true);
  });

  it.each(HOST_NAMES)('%s has all that a deployment installs, and nothing to upgrade', async (name) => {
    const simulate = (...args: string[]): Promise<string> =>
      lab.host(name).mustExec(['apt-get', '-qq', '--simulate', '--no-install-recommends', ...args]);
    const installed = await simulate('install', ...INSTALLABLE);
    for (const wanted of INSTALLABLE) expect(installed).toContain(`Inst ${wanted} `);
    expect(
      await lab.host(name).mustExec('sudo apt update && sudo apt upgrade -y', { user: 'agent0' }),
    ).toMatch(/0 upgraded|Upgrading: 0/);
  });

  it.each(HOST_NAMES)('%s installs and removes packages without a network', async (name) => {
    const host = lab.host(name);
    await host.reset();
    const env = 'DEBIAN_FRONTEND=noninteractive';
    const script = `apt-get -qq update && ${env} apt-get -qq -y install tree && tree --version &&
      ${env} apt-get -qq -y remove jq && ! command -v jq && ${env} apt-get -qq -y install jq && jq -n 1`;
    const result = await host.exec(script);
    expect(result.stdout).toMatch(/tree v[\s\S]*1\n$/);
    expect(result.code).toBe(0);
  });

  it('runs programs as another account, with input, exit status and words kept', async () => {
    const host = lab.host('ai-node');
    const words = ["it's", '$HOME `x` "y"', '-n', 'a\nb'];
    const result = await host.exec(['printf', '%s|', ...words], { user: 'agent0' });
    expect(result.stdout).toBe(`${words.join('|')}|`);
    expect((await host.exec('cat; exit 7', { input: 'in' })).code).toBe(7);
    await host.writeFile('/var/tmp/file', Buffer.from([0, 255, 10]));
    expect([...(await host.readFile('/var/tmp/file'))]).toEqual([0, 255, 10]);
  });

  it('gives up on a program after its deadline', async () => {
    const result = await lab.host('ai-node').exec('sleep 61 & sleep 61', { timeoutMs: 300 });
    expect(result.timedOut).toBe(true);
    expect((await lab.host('ai-node').exec(['pgrep', '-x', 'sleep'])).stdout).toBe('');
  });
});
