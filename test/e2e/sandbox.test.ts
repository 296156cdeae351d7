import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Lab, requireLab, waitFor, type Finished } from '../lab/api.js';
import { describeLab } from '../lab/suite.js';
import { DevOpsHost } from './dev-ops-host.js';
import { mainPid } from './harness.js';
import { repository } from '../lab/layout.js';

/** The model whose code is hostile, one next to it, and one that leaves the inventory. */
const [HOSTILE, NEIGHBOUR, LEAVING] = ['phi3', 'coder', 'vision'] as const;
const UNIT = `citadel-${HOSTILE}.service`;
/** The key of the one next to it. */
const KEY = 'sekret-key-of-the-model-neighbour';
const OTHER = `citadel-${NEIGHBOUR}.service`;
const GONE = `citadel-${LEAVING}.service`;
/** Stand for a transaction at work and its last deadline: their names are what matters. */
const KEPT = ['citadel-iac-feed.service', 'citadel-iac-deadman-feed.timer'];
const DROP_IN = `/run/systemd/system/${UNIT}.d/hostile.conf`;
const SAID = `/run/citadel/${HOSTILE}/said`;
/** As cron starts programs of the account, less sudo: nothing but the rule for polkit speaks for them. */
const AS_AGENT =
  'setpriv --reuid=agent0 --regid=agent0 --init-groups --no-new-privs env -i PATH=/usr/local/bin:/usr/bin:/bin';

function sandbox(lab: Lab): void {
  const host = lab.host('ai-node');
  let fleet: DevOpsHost;

  const agent = (command: string): Promise<Finished> =>
    host.exec(`${AS_AGENT} sh -c '${command}'`, { timeoutMs: 120_000 });
  const state = async (unit: string): Promise<string> =>
    (await host.exec(['systemctl', 'is-active', unit])).stdout.trim();
  const serving = (unit: string): Promise<true> =>
    waitFor(`${unit} to serve`, 180_000, async () => ((await state(unit)) === 'active' ? true : undefined));

  /** Runs all attacks and returns those that were not refused, and what root did for one. */
  const successes = async (run: () => Promise<string>): Promise<string[]> => {
    await host.mustExec('rm -f /run/proof-*');
    const lines = (await run()).trim().split('\n');
    expect(lines.at(-1), lines.join('\n')).toBe('end');
    const proofs = (await host.exec('sleep 2; ls /run/proof-* 2>/dev/null')).stdout.trim();
    const states = await Promise.all([OTHER, ...KEPT].map(state));
    expect(states).toEqual([OTHER, ...KEPT].map(() => 'active'));
    return [...lines.filter((line) => /^0 /.test(line)), ...proofs.split('\n').filter(Boolean)];
  };
  /** As code of the model: a command before its server, in the unit's own sandbox. `more` are lines of the unit. */
  const insideTheModel = (more: string) => async (): Promise<string> => {
    await host.mustExec(`mkdir -p ${DROP_IN.slice(0, DROP_IN.lastIndexOf('/'))}; rm -f ${SAID}`);
    await host.writeFile(
      DROP_IN,
      `[Service]\n${more}ExecStartPre=/bin/sh -c "/bin/sh /srv/attacks.sh ${UNIT} ${await mainPid(host, OTHER)} >${SAID} 2>&1"\n`,
    );
    await host.mustExec(`systemctl daemon-reload && systemctl restart ${UNIT}`, { timeoutMs: 180_000 });
    const status = await host.mustExec(
      `cat ${SAID}; rm -r ${DROP_IN.slice(0, DROP_IN.lastIndexOf('/'))}; systemctl daemon-reload`,
    );
    return status;
  };

  const deploy = async (models: readonly string[]): Promise<void> => {
    const inventory = await fleet.inventory(({ hosts, secrets }) => {
      secrets['neighbour_key'] = { command: ['echo', KEY] };
      const { ai } = hosts['ai-node'];
      ai.models = Object.fromEntries(Object.entries(ai.models).filter(([name]) => models.includes(name)));
      Object.assign(ai.models[NEIGHBOUR] ?? {}, { apiKey: 'neighbour_key' });
      const reviewed = { reason: 'the test brings hostile code of its own', revision: '0'.repeat(40) };
      Object.assign(ai.models[HOSTILE] ?? {}, { trustRemoteCode: reviewed });
    });
    await fleet.apply(['ai-node'], inventory);
  };

  beforeAll(async () => {
    await host.reset();
    fleet = await DevOpsHost.open(lab);
    await deploy([HOSTILE, NEIGHBOUR, LEAVING]);
    await host.writeFile('/srv/attacks.sh', await readFile(join(repository, 'test/e2e/sandbox-attacks.sh')));
    await host.mustExec(
      `systemd-run --quiet --collect --unit=citadel-iac-feed sleep infinity
       systemd-run --quiet --collect --unit=citadel-iac-deadman-feed --on-active=1d true
       systemctl is-active ${KEPT.join(' ')}`,
    );
  }, 900_000);

  afterAll(() => fleet.close());

  it('gives code of a model no way to root', async () => {
    expect(await successes(insideTheModel(''))).toEqual([]);
  });

  it('gives it none where the bus is in its reach', async () => {
    expect(await successes(insideTheModel('InaccessiblePaths=\n'))).toEqual([]);
  });

  it('gives the account none without sudo', async () => {
    expect(
      await successes(
        async () => (await agent(`sh /srv/attacks.sh ${UNIT} ${await mainPid(host, OTHER)}`)).stdout,
      ),
    ).toEqual([]);
  });

  it('runs nothing under the name of a unit whose file is not there, or that is masked', async () => {
    const path = '/etc/systemd/system/citadel-smart.service';
    const run = 'systemd-run --no-ask-password --unit=citadel-smart.service touch /run/proof-smart';
    await host.mustExec(`mv ${path} /root/; systemctl daemon-reload`);
    expect((await agent(run)).code).not.toBe(0);
    await host.mustExec(`ln -s /dev/null ${path}; systemctl daemon-reload`);
    expect((await agent(run)).code).not.toBe(0);
    await host.mustExec(`mv /root/citadel-smart.service ${path}; systemctl daemon-reload`);
    expect((await host.exec('ls /run/proof-smart')).code).not.toBe(0);
  });

  it('does what the guide types, with no right but what polkit gives', async () => {
    for (const command of [
      `systemctl restart ${UNIT}`,
      `systemctl try-restart ${UNIT}`,
      `systemctl stop ${UNIT}`,
      `systemctl start ${UNIT}`,
      'systemctl restart citadel-lan.service',
      'systemctl reload citadel-lan.service',
      'systemctl restart citadel-monitor.service',
      'systemctl restart prometheus-node-exporter',
      'systemctl restart citadel-metrics-exporter',
      `citadel restart ${HOSTILE}`,
      'citadel restart models',
      'citadel stop models',
      'citadel start storage',
      'citadel start gpu',
      'citadel start models',
    ]) {
      const done = await agent(command);
      expect(done.code, `${command}: ${done.stderr}${done.stdout}`).toBe(0);
    }
    await Promise.all([UNIT, OTHER, 'citadel-lan.service'].map(serving));
  });

  it('is reached from the LAN by one proxy, which asks for the key, and outlives the model', async () => {
    const lan = async (port: number, path: string, ...more: string[]): Promise<string> =>
      (
        await lab.operator.exec([
          ...['curl', '-sS', '-m', '20', '--path-as-is', '-o', '/dev/null', '-w', '%{http_code}'],
          ...more,
          `http://192.168.10.35:${port}${path}`,
        ])
      ).stdout.trim();
    const key = ['-H', `Authorization: Bearer ${KEY}`];
    expect(await lan(11403, '/v1/models')).toBe('200');
    expect(await lan(11405, '/v1/models')).toBe('401');
    expect(await lan(11405, '/v1/models', ...key)).toBe('200');
    for (const path of ['/invocations', '/metrics', '/v1/../metrics', '//v1/models', '/v1/%2e%2e/metrics']) {
      expect(await lan(11405, path, ...key), path).toBe('404');
    }
    const running = await mainPid(host, 'citadel-lan.service');
    await host.mustExec(`systemctl stop ${UNIT}`);
    expect(await lan(11403, '/v1/models')).toBe('503');
    await host.mustExec(`systemctl start ${UNIT}`, { timeoutMs: 180_000 });
    expect(await lan(11403, '/v1/models')).toBe('200');
    expect(await mainPid(host, 'citadel-lan.service')).toBe(running);
    const log = await host.mustExec('journalctl -u citadel-lan -o cat --no-pager');
    expect(log).toMatch(
      /^model=coder client=192\.168\.10\.1 key=own method=GET path=\/v1\/models status=200 /m,
    );
    expect(log).not.toContain(KEY);
  });

  it('starts programs with nothing of the account’s home in them', async () => {
    const site = await host.mustExec(
      'runuser -u agent0 -- env HOME=/home/agent0 sh -c "python3 -m site --user-site || true"',
    );
    const folder = site.trim();
    await host.mustExec(
      `runuser -u agent0 -- mkdir -p ${folder}
       printf 'import os; open("/tmp/proof-home", "a").write("x")\\n' | runuser -u agent0 -- tee ${folder}/zz.pth`,
    );
    const asCron = (command: string): Promise<Finished> =>
      host.exec(
        `runuser -u agent0 -- env -i HOME=/home/agent0 PATH=/usr/local/bin:/usr/bin:/bin sh -c '${command}'`,
      );
    await asCron('/usr/bin/python3 -c pass');
    expect((await host.exec('rm /tmp/proof-home')).code, 'the proof itself works').toBe(0);
    for (const program of ['backup_configs.py --dry-run', 'collect_smart.py']) {
      await asCron(`/opt/citadel/scripts/${program}`);
    }
    await asCron('citadel names');
    expect((await host.exec('ls /tmp/proof-home')).code).not.toBe(0);
  });

  it('runs nothing under the name of a model that has left', async () => {
    await deploy([HOSTILE, NEIGHBOUR]);
    const run = `systemd-run --no-ask-password --unit=${GONE} touch /run/proof-gone`;
    expect((await agent(run)).code).not.toBe(0);
    expect((await agent(`systemctl start ${GONE}`)).code).not.toBe(0);
    expect(await host.mustExec('cat /etc/polkit-1/rules.d/50-citadel.rules')).not.toContain(LEAVING);
    expect((await host.exec('sleep 1; ls /run/proof-gone')).code).not.toBe(0);
    expect((await agent(`systemctl restart ${UNIT}`)).code).toBe(0);
  });
}

describeLab('the sandbox of models on Debian 13', sandbox);

const gate = requireLab();
describe.skipIf(!gate.available)('the sandbox of models on Debian 12 (skipped where there is no lab)', () => {
  const lab = Lab.named(`${gate.available ? gate.lab.name : 'none'}-12`);
  beforeAll(() => lab.up({ hosts: ['ai-node'], suites: { 'ai-node': 'bookworm' } }), 900_000);
  afterAll(() => lab.down());
  sandbox(lab);
});
