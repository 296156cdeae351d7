import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import type { LabHost } from '../lab/api.js';
import { describeLab } from '../lab/suite.js';
import { installNodePrograms } from './node-programs.js';

/** Seconds from the call to its end, as the person who typed it has them. */
const LIMIT_SEC = 10;

/** Doubles of everything that a node runs, each bad in its own way. */
const UNITS: Readonly<Record<string, string>> = {
  'citadel-ai.target':
    '[Unit]\nWants=citadel-storage.service citadel-models.target citadel-monitor.service citadel-metrics-exporter.service\n',
  'citadel-models.target':
    '[Unit]\nWants=citadel-phi3.service citadel-mixtral.service citadel-hermes.service citadel-coder.service citadel-monitor.service\n',
  'citadel-storage.service': '[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/true\n',
  // Its stop hangs, as a driver does that answers no more.
  'citadel-gpu.service':
    '[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/true\nExecStop=/bin/sleep 600\nTimeoutStopSec=infinity\n',
  // Heeds no SIGTERM, has children, comes back whenever it ends.
  'citadel-phi3.service': model('exec /bin/sh -c "trap : TERM INT; while :; do sleep 1; done"'),
  'citadel-mixtral.service': model(
    'exec /bin/sh -c "(trap : TERM; sleep 1000) & trap : TERM; while :; do sleep 1; done"',
  ),
  // Never comes up: the start job hangs.
  'citadel-hermes.service': `[Unit]\nPartOf=citadel-models.target\n[Service]\nType=notify\nRestart=always\nTimeoutStartSec=infinity\nTimeoutStopSec=infinity\nExecStart=/bin/sh -c "trap : TERM; while :; do sleep 1; done"\n`,
  'citadel-coder.service': `[Unit]\nPartOf=citadel-models.target\n[Service]\nRestart=always\nRestartSec=100ms\nStartLimitIntervalSec=0\nTimeoutStartSec=infinity\nExecStartPre=/bin/sleep 1000\nExecStart=/bin/sleep infinity\nExecStopPost=/bin/sleep 600\nTimeoutStopSec=infinity\n`,
  'citadel-phi3-lan.socket': '[Socket]\nListenStream=127.0.0.1:21403\n',
  'citadel-phi3-lan.service':
    '[Unit]\nRequires=citadel-phi3.service\n[Service]\nExecStart=/bin/sleep infinity\nTimeoutStopSec=infinity\n',
  'citadel-monitor.service': '[Service]\nRestart=always\nExecStart=/bin/sleep infinity\n',
  'citadel-metrics-exporter.service': '[Service]\nRestart=always\nExecStart=/bin/sleep infinity\n',
};

function model(command: string): string {
  return `[Unit]\nPartOf=citadel-models.target\n[Service]\nType=exec\nRestart=always\nRestartSec=100ms\nTimeoutStopSec=infinity\nExecStart=/bin/sh -c '${command}'\n[Install]\nWantedBy=citadel-models.target\n`;
}

/** A server that someone started by hand, as the guide's `pkill` line expects to find it. */
const BY_HAND =
  'setsid runuser -u agent0 -- /usr/bin/python3 -X answers-to=vllm.entrypoints.openai.api_server -c "import time; time.sleep(1000)" >/dev/null 2>&1 &';
const LOAD =
  'for n in 1 2 3 4 5 6; do setsid timeout 30 sh -c "while :; do :; done" </dev/null >/dev/null 2>&1 & done; sleep 1; cat /proc/loadavg';

const running = (host: LabHost): Promise<string> =>
  host.mustExec(`systemctl list-units --all --plain --no-legend --state=active,activating,deactivating,reloading 'citadel-*' | cut -d ' ' -f 1
    systemctl list-jobs --no-legend | grep citadel-
    pgrep -af vllm.entrypoints | grep -v pgrep
    true`);

describeLab('an emergency stop', (lab) => {
  const host = lab.host('ai-node');
  const names = Object.keys(UNITS);

  beforeAll(async () => {
    await host.reset();
    await installNodePrograms(host);
    for (const [name, text] of Object.entries(UNITS))
      await host.mustExec(['tee', `/etc/systemd/system/${name}`], { input: text });
    // The rule that lets agent0 manage our units is the deployment's; here sudo has to do.
    await host.mustExec('systemctl daemon-reload');
  }, 300_000);
  beforeEach(async () => {
    await host.mustExec(`systemctl start --no-block citadel-ai.target citadel-gpu.service citadel-phi3-lan.socket citadel-phi3-lan.service; ${BY_HAND}
      sleep 2`);
    const up = await running(host);
    for (const unit of [
      'citadel-phi3.service',
      'citadel-hermes.service',
      'citadel-coder.service',
      'citadel-phi3-lan.socket',
    ])
      expect(up).toContain(unit);
    expect(up).toMatch(/start running/);
    expect(up).toContain('vllm.entrypoints');
  });
  afterAll(async () => {
    await host.exec(
      `cd /etc/systemd/system && systemctl kill -s KILL ${names.join(' ')}; rm -f ${names.join(' ')}; systemctl daemon-reload`,
    );
  });

  async function stopAll(words = ''): Promise<{ seconds: number; stdout: string }> {
    const began = Date.now();
    const run = await host.exec(`citadel-rollback emergency ${words}`, { user: 'agent0', timeoutMs: 60_000 });
    const seconds = (Date.now() - began) / 1000;
    expect(run.code, `${run.stdout}\n${run.stderr}`).toBe(0);
    return { seconds, stdout: run.stdout };
  }

  async function expectQuiet(): Promise<void> {
    expect(await running(host)).toBe('');
    // Restart= and what wants them bring nothing back, and nothing counts as failed.
    await new Promise((resolve) => setTimeout(resolve, 3000));
    expect(await running(host)).toBe('');
    expect(await host.mustExec("systemctl list-units --failed --plain --no-legend 'citadel-*'")).toBe('');
  }

  it('ends within ten seconds under load, with starts and stops that hang', async () => {
    await host.mustExec(LOAD);
    const { seconds, stdout } = await stopAll();
    console.info(`emergency under load: ${seconds.toFixed(1)} s`);
    expect(seconds).toBeLessThan(LIMIT_SEC);
    expect(stdout).toContain('Nothing of Citadel runs any more.');
    expect(stdout).toContain('citadel start storage');
    await expectQuiet();
  });

  it('needs no settings that can be read, and no room on the disk', async () => {
    await host.mustExec(
      'mkdir -p /opt/citadel/configs && echo "this = is not [Python" >/opt/citadel/configs/storage_settings.py',
    );
    const full = await host.fillDisk('/', 8 * 1024 * 1024);
    try {
      await host.mustExec(
        'cat /dev/zero >/root/last-bytes 2>/dev/null || df / | tail -n 1 | grep -q " 100% "',
      );
      const { seconds } = await stopAll();
      console.info(`emergency on a full disk without settings: ${seconds.toFixed(1)} s`);
      expect(seconds).toBeLessThan(LIMIT_SEC);
    } finally {
      await host.mustExec('rm -f /root/last-bytes');
      await full.free();
      await host.mustExec('rm -f /opt/citadel/configs/storage_settings.py');
    }
    await expectQuiet();
  });

  it('says what it would stop, and stops nothing', async () => {
    const run = await host.exec('citadel-rollback emergency --dry-run --json', { user: 'agent0' });
    const report = JSON.parse(run.stdout) as { running: string[]; left: string[] };
    expect(report.running).toEqual(
      expect.arrayContaining(['citadel-hermes.service', 'citadel-phi3.service']),
    );
    expect(report.left.join('\n')).toContain('vllm.entrypoints');
    expect(await running(host)).toContain('citadel-phi3.service');
    await stopAll();
  });
});
