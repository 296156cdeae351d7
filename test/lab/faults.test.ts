import { expect, it } from 'vitest';
import { waitFor } from './api.js';
import { describeLab } from './suite.js';

describeLab('faults on demand', (lab) => {
  const host = lab.host('dev-ops');
  const ssh = (port: number, command: string): string[] => {
    const options = [
      '-F',
      lab.operator.sshConfig,
      '-o',
      'HostName=127.0.0.1',
      '-o',
      'HostKeyAlias=dev-ops',
      '-p',
      String(port),
    ];
    return ['ssh', ...options, 'dev-ops', command];
  };

  it('adds a round trip, the handshake included', async () => {
    const proxy = await lab.latencyProxy('dev-ops', 100);
    try {
      const banner = `exec 3<>/dev/tcp/127.0.0.1/${proxy.port}; read -r line <&3; echo "$line"`;
      const started = performance.now();
      expect(await lab.operator.mustExec(['bash', '-c', banner])).toMatch(/^SSH-2\.0-OpenSSH/);
      const took = performance.now() - started;
      expect(took).toBeGreaterThanOrEqual(200);
      expect(took).toBeLessThan(5000);
      expect(await proxy.stats()).toMatchObject({ connections: 1 });
    } finally {
      await proxy.stop();
    }
  });

  it('hands every byte on in order', async () => {
    const proxy = await lab.latencyProxy('dev-ops', 20);
    try {
      const input = Buffer.alloc(3_000_000, 'the quick brown fox');
      const result = await lab.operator.exec(ssh(proxy.port, 'sha256sum'), { input });
      const direct = await host.exec(['sha256sum'], { input });
      expect(result.stdout).toBe(direct.stdout);
    } finally {
      await proxy.stop();
    }
  });

  it('cuts, stalls, and breaks after so many bytes', async () => {
    const proxy = await lab.latencyProxy('dev-ops', 0);
    const breaking = await lab.latencyProxy('dev-ops', 0, { breakAfterBytes: 50_000 });
    try {
      const waiting = lab.operator.exec(ssh(proxy.port, 'sleep 30'), { timeoutMs: 20_000 });
      await waitFor('a session', 10_000, async () =>
        (await proxy.stats()).fromTarget > 3000 ? true : undefined,
      );
      await proxy.cut();
      expect((await waiting).code).toBe(255);
      await proxy.stall();
      const stalled = await lab.operator.exec(ssh(proxy.port, 'true'), { timeoutMs: 1500 });
      expect(stalled.timedOut).toBe(true);
      const broken = await lab.operator.exec(ssh(breaking.port, 'cat'), { input: Buffer.alloc(200_000) });
      expect(broken.code).toBe(255);
    } finally {
      await Promise.all([proxy.stop(), breaking.stop()]);
    }
  });

  it('kills established connections on the operator side', async () => {
    const waiting = lab.operator.ssh('dev-ops', 'sleep 30', { timeoutMs: 20_000 });
    await waitFor('a session', 10_000, async () =>
      (await host.exec(['pgrep', '-x', 'sleep'])).code === 0 ? true : undefined,
    );
    expect(await lab.cutConnections('dev-ops')).toBe(1);
    expect((await waiting).code).toBe(255);
    expect(await lab.cutConnections('dev-ops')).toBe(0);
  });

  it('offers a listener that never says a word', async () => {
    const listener = await lab.silentListener();
    try {
      const result = await lab.operator.exec(ssh(listener.port, 'true'), { timeoutMs: 1000 });
      expect(result.timedOut).toBe(true);
    } finally {
      await listener.stop();
    }
  });

  it('pulls the cable and plugs it in', async () => {
    const ping = ['ping', '-c', '1', '-W', '1', host.address];
    const other = lab.host('ai-node');
    expect((await other.exec(ping)).code).toBe(0);
    await host.unplug();
    expect((await other.exec(ping)).code).toBe(1);
    await host.plug();
    expect((await other.exec(ping)).code).toBe(0);
  });

  it('fills a disk but for a few bytes, and frees it', async () => {
    const filled = await host.fillDisk('/var/tmp', 65_536);
    const tooMuch = ['dd', 'if=/dev/zero', 'of=/var/tmp/more', 'bs=1M', 'count=8', 'status=none'];
    const result = await host.exec(tooMuch);
    expect(result.stderr).toContain('No space left on device');
    await filled.free();
    expect((await host.exec(tooMuch)).code).toBe(0);
    await host.mustExec(['rm', '/var/tmp/more']);
  });
});
