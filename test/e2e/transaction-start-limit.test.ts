import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { HostManifest, ManifestFile } from '../../lib/manifest/index.js';
import { before, withFault } from '../engine/support/faults.js';
import type { HostName } from '../lab/api.js';
import { describeLab } from '../lab/suite.js';
import { EngineProcess } from './engine-process.js';
import {
  HERE,
  WAIT_THERE,
  expectOutcome,
  killTransaction,
  leftovers,
  rearm,
  settled,
} from './transaction-scenario.js';

const UNIT = 'e2e-limited.service';
const ALONG = 'e2e-along.service';

const file = (content: string, mode = '0644'): ManifestFile => ({
  content,
  owner: 'root',
  group: 'root',
  mode,
});

/** Starts twice within an hour, and a third time only if someone says that this is no loop. */
const unitFile = (more: string, service: string): ManifestFile =>
  file(`[Unit]\nStartLimitIntervalSec=3600\nStartLimitBurst=2\n${more}[Service]\n${service}`);

/** One service that restarts with its configuration, and one that systemd restarts along with it. */
function limited(host: HostName, conf: string, command = 'exec sleep infinity'): HostManifest {
  const running = { enabled: null, state: 'running' as const, reloadOn: [], wave: 0 };
  return {
    version: 1,
    host,
    directories: { '/opt/e2e': { owner: 'root', group: 'root', mode: '0755' } },
    files: {
      '/opt/e2e/serve': file(`#!/bin/sh\n${command}\n`, '0755'),
      '/opt/e2e/conf': file(`${conf}\n`),
      [`/etc/systemd/system/${UNIT}`]: unitFile(
        '',
        'ExecStart=/opt/e2e/serve\nRestart=on-failure\nRestartSec=50ms\n',
      ),
      [`/etc/systemd/system/${ALONG}`]: unitFile(`PartOf=${UNIT}\n`, 'ExecStart=/bin/sleep infinity\n'),
    },
    units: {
      [UNIT]: { ...running, restartOn: ['/opt/e2e/conf', '/opt/e2e/serve'] },
      [ALONG]: { ...running, restartOn: [] },
    },
  };
}

/** Seems to have started, and ends again and again until it may not start any more. */
const LOOP = 'sleep 2; exit 3';
const HAS_GIVEN_UP = `until systemctl is-failed --quiet ${UNIT}; do sleep 0.1; done`;

describeLab('a service that starts seldom', (lab) => {
  describe.each(['dev-ops', 'ai-node'] as const)('on %s', (name: HostName) => {
    const host = lab.host(name);
    let engine: EngineProcess;

    beforeAll(async () => {
      await host.reset();
      engine = new EngineProcess(lab);
    });
    afterAll(() => engine.end());

    async function expectRunning(): Promise<void> {
      await settled(host);
      expect(await host.mustExec(`systemctl is-active ${UNIT} ${ALONG} || true`)).toBe('active\nactive\n');
      expect(await leftovers(host)).toBe('');
    }

    it('restarts with every apply, and what is restarted along with it does', async () => {
      for (const conf of ['1', '2', '3', '4', '5', '6']) {
        expectOutcome(await engine.apply(name, limited(name, conf)), 'committed');
        await expectRunning();
      }
    });

    it('runs again after it has been stopped, and what stopped along with it does', async () => {
      const stopped = limited(name, '6');
      const unit = stopped.units?.[UNIT];
      if (unit === undefined) throw new Error('the manifest has lost its unit');
      const result = await engine.apply(name, {
        ...stopped,
        units: { ...stopped.units, [UNIT]: { ...unit, state: 'stopped' } },
        checks: { sick: { kind: 'command', command: ['/bin/false'], timeoutSec: 1, wave: 0 } },
      });
      expect(result).toMatchObject({ outcome: 'rolled-back', failure: { step: 'checks' }, notes: [] });
      await expectRunning();
    });

    it('runs again when what failed was a service in a loop', async () => {
      const result = await engine.apply(name, {
        ...limited(name, 'loops', LOOP),
        checks: {
          runs: {
            kind: 'command',
            command: ['/bin/sh', '-c', `${HAS_GIVEN_UP}; exit 1`],
            timeoutSec: 10,
            wave: 0,
          },
        },
      });
      expect(result).toMatchObject({ outcome: 'rolled-back', failure: { step: 'checks' }, notes: [] });
      expect(await host.mustExec('cat /opt/e2e/conf')).toBe('6\n');
      await expectRunning();
    });

    it('runs again when the transaction itself died', async () => {
      await rearm(host);
      await engine.begin(name, limited(name, 'dies', LOOP), {
        transactionScript: withFault(before('run_checks', `${HAS_GIVEN_UP}; ${WAIT_THERE}`)),
      });
      await engine.note(HERE);
      await killTransaction(host);
      expect(await engine.result()).toMatchObject({ outcome: 'rolled-back' });
      await expectRunning();
      expectOutcome(await engine.apply(name, limited(name, 'at last')), 'committed');
      await expectRunning();
    });
  });
});
