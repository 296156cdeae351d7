import { afterAll, describe, expect, it } from 'vitest';
import type { HostManifest } from '../../lib/manifest/index.js';
import type { HostName } from '../lab/api.js';
import { describeLab } from '../lab/suite.js';
import { EngineProcess } from './engine-process.js';
import { expectOutcome, leftovers, settled } from './transaction-scenario.js';

/** What findmnt(8) lets pass and no kernel mounts: with it, local-fs.target fails and a boot ends in emergency mode. */
const BAD = 'tmpfs /srv/e2e-bad tmpfs size=nonsense 0 0\n';

describeLab('a host that loses its power while a line of fstab stands that it cannot boot with', (lab) => {
  const engine = new EngineProcess(lab);
  afterAll(() => engine.end());

  describe.each(['dev-ops', 'ai-node'] as const)('on %s', (name: HostName) => {
    it('takes it back and boots', async () => {
      const host = lab.host(name);
      await host.reset();
      await host.mustExec('mkdir -p /srv/e2e-bad');
      const before = await host.mustExec('cat /etc/fstab; systemctl is-system-running --wait || true');
      const manifest: HostManifest = {
        version: 1,
        host: name,
        blocks: { '/etc/fstab': { '/srv/e2e-bad': BAD } },
        checks: {
          endless: { kind: 'command', command: ['/bin/sleep', '600'], timeoutSec: 600, wave: 0 },
        },
      };
      await engine.begin(name, manifest);
      await engine.progress((line) => line.kind === 'step' && line.step === 'check', 'the check');
      expect(await host.mustExec('cat /etc/fstab')).toContain(BAD);
      await host.crash();
      expectOutcome(await engine.result(), 'rolled-back');
      await settled(host);
      expect(await host.mustExec('cat /etc/fstab; systemctl is-system-running --wait || true')).toBe(before);
      expect(
        (await host.exec('systemctl is-active local-fs.target default.target emergency.target')).stdout,
      ).toBe('active\nactive\ninactive\n');
      expect(await leftovers(host)).toBe('');
    });
  });
});
