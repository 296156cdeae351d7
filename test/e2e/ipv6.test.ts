import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hostPort } from '../../lib/text/address.js';
import { HOST_NAMES, IPV6_SUFFIX, Lab, requireLab, waitFor, type Finished } from '../lab/api.js';
import { AlertReceiver } from './alert-receiver.js';
import { CdktfProject } from './cdktf-project.js';
import { DevOpsHost } from './dev-ops-host.js';

const RECEIVER_PORT = 9799;
const UP_MS = 240_000;
const MODEL_PORT = 11403;

interface Targets {
  readonly activeTargets: readonly {
    readonly labels: { readonly job: string; readonly host: string };
    readonly scrapeUrl: string;
    readonly health: string;
    readonly lastError: string;
  }[];
}

const gate = requireLab();
describe.skipIf(!gate.available)(
  'the example on hosts with IPv6 addresses only (skipped where there is no lab)',
  () => {
    const lab = Lab.named(`${gate.available ? gate.lab.name : 'none'}${IPV6_SUFFIX}`);
    const { operator } = lab.layout.addresses;
    const [node, devOps] = [lab.host('ai-node'), lab.host('dev-ops')];
    const addresses = { 'ai-node': node.address, 'dev-ops': devOps.address };
    let server: DevOpsHost;
    let receiver: AlertReceiver;
    let inventory: string;

    const ask = (url: string, ...options: string[]): string[] => [
      'curl',
      '-sS',
      '-m',
      '5',
      '-o',
      '/dev/null',
      '-w',
      '%{http_code}',
      ...options,
      url,
    ];
    const url = (host: keyof typeof addresses, port: number, path: string): string =>
      `http://${hostPort(addresses[host], port)}${path}`;
    const cli = (...args: string[]): Promise<Finished> => server.cli(args, inventory);
    const everyTarget = (): Promise<Targets['activeTargets']> =>
      waitFor('every target to be up', UP_MS, async () => {
        const { activeTargets } = await server.api<Targets>(9090, '/api/v1/targets');
        return activeTargets.length > 0 && activeTargets.every(({ health }) => health === 'up')
          ? activeTargets
          : undefined;
      });

    beforeAll(async () => {
      await lab.up();
      await lab.reset();
      server = await DevOpsHost.open(lab);
      receiver = await AlertReceiver.start(lab, RECEIVER_PORT);
      inventory = await server.inventory((document) => {
        const { hosts } = document;
        for (const name of HOST_NAMES) hosts[name].address = addresses[name];
        document.operator.addresses = [operator];
        hosts['dev-ops'].gateway = {};
        hosts['dev-ops'].monitoring['runbookBaseUrl'] = 'https://runbook.example.org/';
        hosts['dev-ops'].monitoring['prometheus'] = { scrapeIntervalSec: 5 };
        hosts['dev-ops'].monitoring['alertmanager'] = {
          webhook: `${receiver.url}/alerts`,
          deadMansSwitch: { url: `${receiver.url}/alive` },
        };
      });
      await server.apply([], inventory);
    }, 900_000);
    afterAll(async () => {
      receiver.end();
      await server.close();
      await lab.down();
    });

    it.each(HOST_NAMES)('%s has no other address', async (name) => {
      const inet = await lab
        .host(name)
        .mustExec(['ip', '-4', '-oneline', 'address', 'show', 'scope', 'global']);
      expect(inet).toBe('');
    });

    it('has every host, model and probe scraped, the gateway among them', async () => {
      const targets = await everyTarget();
      const jobs = [...new Set(targets.map(({ labels }) => `${labels.host} ${labels.job}`))].sort();
      expect(jobs).toEqual([
        ...['citadel', 'lan', 'node', 'probe', 'vllm'].map((job) => `ai-node ${job}`),
        ...['alertmanager', 'blackbox', 'gateway', 'grafana', 'node', 'probe', 'prometheus'].map(
          (job) => `dev-ops ${job}`,
        ),
      ]);
      const probes = await waitFor('every probe to succeed', UP_MS, async () => {
        const { result } = await server.api<{ result: { value: [number, string] }[] }>(
          9090,
          '/api/v1/query?query=probe_success',
        );
        return result.every(({ value }) => value[1] === '1') ? result : undefined;
      });
      expect(probes.length).toBe(targets.filter(({ labels }) => labels.job === 'probe').length);
    });

    it('serves models to the operator, by the node and by the gateway, and lets no one else at them', async () => {
      for (const host of HOST_NAMES) {
        const models = await lab.operator.mustExec([
          'curl',
          '-fsS',
          '-m',
          '10',
          url(host, MODEL_PORT, '/v1/models'),
        ]);
        expect(models, host).toContain('phi3');
      }
      // Deprecated from the start: nothing takes it for its source that does not ask for it.
      const other = ['fdc1:7ade:10::99/64', 'dev', 'eth0'];
      await node.mustExec(['ip', 'address', 'add', ...other, 'nodad', 'preferred_lft', '0']);
      const stranger = ask(url('dev-ops', 9090, '/-/healthy'), '--interface', 'fdc1:7ade:10::99');
      expect((await node.exec(stranger)).stdout).toBe('000');
      expect((await node.exec(ask(url('dev-ops', 9090, '/-/healthy')))).stdout).toBe('200');
      expect((await lab.operator.exec(ask(url('ai-node', 8000, '/metrics')))).stdout).toBe('000');
      expect((await devOps.exec(ask(url('ai-node', 8000, '/metrics')))).stdout).toBe('200');
      await node.mustExec(['ip', 'address', 'del', ...other]);
    });

    it('shows its web interfaces to the operator', async () => {
      for (const [port, path] of [
        [9090, '/-/healthy'],
        [9093, '/-/healthy'],
        [3000, '/api/health'],
      ] as const)
        expect((await lab.operator.exec(ask(url('dev-ops', port, path)))).stdout, path).toBe('200');
    });

    it('is found by neighbours that have forgotten it: the firewall lets their question in', async () => {
      for (const name of HOST_NAMES) {
        await lab.operator.mustExec(['ip', '-6', 'neighbour', 'flush', 'dev', 'eth0']);
        expect((await lab.operator.ssh(name, 'id -un')).stdout).toBe('agent0\n');
      }
    });

    it('tells a person of an alert', async () => {
      const since = Date.now();
      await devOps.mustExec(
        'amtool --alertmanager.url=http://127.0.0.1:9093 alert add ModelDown model=phi3 severity=critical host=ai-node',
      );
      await receiver.next(since, 'firing', { alertname: 'ModelDown' }, UP_MS);
    });

    it('is whole to doctor and verify, and has nothing to do the second time, by either door', async () => {
      const doctor = await cli('doctor');
      expect(doctor.code, doctor.stdout).toBe(0);
      expect(doctor.stdout).not.toMatch(/^ {2}[!✗]/m);
      expect(doctor.stdout).toContain(`reach: ${hostPort(addresses['ai-node'], 22)} answers`);
      expect((await cli('verify')).code).toBe(0);
      const diff = await cli('diff');
      expect(diff.code, diff.stdout.slice(-3000) + diff.stderr.slice(-3000)).toBe(0);
      const project = await CdktfProject.open(lab);
      const environment = { CITADEL_INVENTORY: inventory, CITADEL_TARGETS: lab.layout.inventory };
      const deployed = await project.cdktf(['deploy', 'dev-ops', '--auto-approve'], environment);
      expect(deployed.code, deployed.stdout.slice(-3000) + deployed.stderr.slice(-3000)).toBe(0);
      await project.close();
      expect((await cli('diff')).code).toBe(0);
    });

    it('comes back whole after a boot of both', async () => {
      await Promise.all(HOST_NAMES.map((name) => lab.host(name).reboot()));
      await everyTarget();
      expect(await node.mustExec('systemctl --failed --no-legend --plain')).toBe('');
      expect((await lab.operator.exec(ask(url('dev-ops', MODEL_PORT, '/health')))).stdout).toBe('200');
      expect((await cli('diff')).code).toBe(0);
    });
  },
);
