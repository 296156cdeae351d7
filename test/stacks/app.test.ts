import { describe, expect, it } from 'vitest';
import type { FleetInventory } from '../../lib/site/fleet.js';
import { canonicalJson, CitadelError } from '../../lib/manifest/index.js';
import { buildHosts } from '../../stacks/app.js';
import { contentOf, inventoryOf, manifestOf } from './example.js';
import { scrapedBy } from '../support/scraped.js';

type Models = NonNullable<FleetInventory['hosts'][string]['ai']>['models'];

const production = inventoryOf('citadel');

/** Production with two of its models, on different GPUs, and changes to those. */
function withModels(change: (models: Models) => Models): FleetInventory {
  const aiNode = production.hosts['ai-node'];
  if (aiNode?.ai === undefined) throw new Error('the example has lost its AI node');
  const two = Object.entries(aiNode.ai.models).filter(([name]) => ['phi3', 'openchat'].includes(name));
  const ai = { ...aiNode.ai, models: change(Object.fromEntries(two)) };
  return { ...production, hosts: { ...production.hosts, 'ai-node': { ...aiNode, ai } } };
}

/** Production's Python environment is made by someone else; the lab makes one of the double. */
function withoutEnvironment(inventory: FleetInventory): FleetInventory {
  const aiNode = inventory.hosts['ai-node'];
  if (aiNode?.ai === undefined) throw new Error('the example has lost its AI node');
  const { vllm: _made, ...ai } = aiNode.ai;
  return { ...inventory, hosts: { ...inventory.hosts, 'ai-node': { ...aiNode, ai } } };
}

function problemsOf(inventory: FleetInventory): string[] {
  try {
    buildHosts(inventory);
    return [];
  } catch (error) {
    if (!(error instanceof CitadelError)) throw error;
    return error.message.split('\n');
  }
}

function unit(inventory: FleetInventory, model: string): string {
  const aiNode = buildHosts(inventory).find(({ host }) => host === 'ai-node');
  return aiNode?.files?.[`/etc/systemd/system/citadel-${model}.service`]?.content ?? '';
}

describe('the example', () => {
  it('is two hosts, sorted by name', () => {
    expect(buildHosts(production).map(({ host }) => host)).toEqual(['ai-node', 'dev-ops']);
  });

  it('gives production and the offline roots the same hosts: what differs is the way to them', () => {
    expect(canonicalJson(buildHosts(inventoryOf('offline')))).toBe(canonicalJson(buildHosts(production)));
  });

  it('gives the lab the same things under the same names: what differs is the size of disks and weights, the environment, and where Grafana’s package is', () => {
    const example = inventoryOf('lab');
    const [lab, real] = [withoutEnvironment(example), production].map((inventory) =>
      buildHosts(inventory).map(({ files = {}, packages = {}, ...host }) => ({
        ...host,
        files: Object.keys(files),
        packages: Object.keys(packages),
      })),
    );
    expect(lab).toEqual(real);
  });

  it('does not depend on the order of hosts and models in the inventory', () => {
    const reversed = (map: object) => Object.fromEntries(Object.entries(map).reverse());
    const [straight, other] = [withModels((models) => models), withModels((models) => reversed(models))];
    const turned = { ...other, hosts: reversed(other.hosts) as FleetInventory['hosts'] };
    expect(canonicalJson(buildHosts(turned))).toBe(canonicalJson(buildHosts(straight)));
  });

  it('scrapes every host, every model that starts at boot, and itself', () => {
    const asked = Object.values(scrapedBy(manifestOf(production, 'dev-ops'))).flatMap((groups) =>
      groups.flatMap(({ targets }) => targets),
    );
    for (const target of ['35:8000', '35:9100', '36:9100', '35:11402', '35:11403']) {
      expect(asked).toContain(`192.168.10.${target}`);
    }
    for (const own of [3000, 9090, 9093, 9115]) expect(asked).toContain(`127.0.0.1:${own}`);
  });

  it('lets only the monitoring host and the operator in, and no one but the operator by SSH', () => {
    const rules = contentOf(manifestOf(production, 'ai-node'), '/etc/nftables.conf');
    expect(rules).toContain('policy drop;');
    const accepted = [...rules.matchAll(/ip saddr (.*) tcp dport (\d+) accept/g)].map(
      ([, from, port]) => `${port ?? ''} ${from ?? ''}`,
    );
    expect(accepted).toEqual([
      '22 192.168.10.1',
      ...['8000', '8001', '8002', '9100'].map((port) => `${port} 192.168.10.36`),
      ...['11400', '11401', '11402', '11403', '11404', '11405', '11500'].map(
        (port) => `${port} { 192.168.10.1, 192.168.10.36 }`,
      ),
    ]);
  });

  it('gives a host without models none of the AI node’s programs, and yet its way back and its look for drift', () => {
    const { files = {}, packages = {} } = manifestOf(production, 'dev-ops');
    expect(
      Object.keys(files).filter((path) => path.startsWith('/opt/citadel/lib') || path.endsWith('.py')),
    ).toEqual([]);
    expect(packages['python3']).toBeUndefined();
    for (const host of ['ai-node', 'dev-ops']) {
      expect(contentOf(manifestOf(production, host), '/usr/local/bin/citadel-rollback')).toMatch(
        /^#!\/bin\/sh\n/,
      );
      const unit = contentOf(manifestOf(production, host), '/etc/systemd/system/citadel-drift.service');
      expect(unit.replace(/\\\n\s+/g, '')).toContain(
        'ExecStart=/bin/sh /var/lib/citadel-iac/current/bin/back.sh - drift --textfiles /var/lib/prometheus/node-exporter\n',
      );
      // During a first deployment there is nothing to compare with, and a failed unit would be an alarm.
      expect(unit).toContain('ConditionPathExists=/var/lib/citadel-iac/current/bin/back.sh\n');
    }
  });

  it('lets the operator see the web interfaces of the monitoring server, AI nodes ask two of them, and no one else anything', () => {
    const rules = contentOf(manifestOf(production, 'dev-ops'), '/etc/nftables.conf');
    expect(rules).toContain('policy drop;');
    const accepted = [...rules.matchAll(/ip saddr (.*) tcp dport (\d+) accept/g)].map(
      ([, from, port]) => `${port ?? ''} ${from ?? ''}`,
    );
    expect(accepted).toEqual([
      '22 192.168.10.1',
      '3000 { 192.168.10.1, 192.168.10.35 }',
      '9090 { 192.168.10.1, 192.168.10.35 }',
      '9093 192.168.10.1',
      '9100 192.168.10.36',
    ]);
  });

  it('keeps what runs as root out of the account’s hands', () => {
    const { directories = {}, files = {} } = manifestOf(production, 'ai-node');
    expect(directories['/opt/citadel']?.owner).toBe('root');
    expect(directories['/opt/citadel/scripts']?.owner).toBe('root');
    for (const [path, { owner, group }] of Object.entries(files)) {
      const own = path.startsWith('/home/agent0/') ? 'agent0' : 'root';
      // The proxy reads its configuration and keys, and may not write them.
      const group_ = path.startsWith('/etc/citadel/lan/') ? 'citadel-lan' : own;
      expect([owner, group], path).toEqual([own, group_]);
    }
  });

  it('leaves the account’s SSH keys alone', () => {
    const { users, files = {} } = manifestOf(production, 'ai-node');
    expect(users?.['agent0']?.authorizedKeys).toBeUndefined();
    expect(Object.keys(files).filter((path) => path.includes('.ssh'))).toEqual([]);
  });

  it('never reloads the node exporter, which ends on SIGHUP', () => {
    for (const manifest of buildHosts(production)) {
      expect(manifest.units?.['prometheus-node-exporter.service']?.reloadOn).toEqual([]);
    }
  });
});

describe('model services', () => {
  it('on one GPU start one after another; on different ones together', () => {
    const apart = withModels((models) => models);
    expect(unit(apart, 'phi3')).not.toContain('After=citadel-openchat.service');
    const shared = withModels((models) =>
      Object.fromEntries(Object.entries(models).map(([name, model]) => [name, { ...model, gpus: [0] }])),
    );
    expect(unit(shared, 'phi3')).toContain('After=citadel-openchat.service\n');
    expect(unit(shared, 'openchat')).not.toContain('After=citadel-phi3.service');
  });

  it('on several GPUs say so to vLLM', () => {
    const both = withModels(({ phi3, ...rest }) => ({
      ...rest,
      ...(phi3 && { phi3: { ...phi3, gpus: [1, 0] } }),
    }));
    expect(unit(both, 'phi3')).toContain('--tensor-parallel-size 2');
    expect(unit(both, 'phi3')).toContain('CUDA_VISIBLE_DEVICES=0,1');
  });

  it('that start by hand are neither enabled nor checked nor scraped', () => {
    const manual = withModels(({ phi3, ...rest }) => ({
      ...rest,
      ...(phi3 && { phi3: { ...phi3, start: 'manual' as const } }),
    }));
    const [aiNode, devOps] = buildHosts(manual);
    expect(aiNode?.units?.['citadel-phi3.service']).toMatchObject({ enabled: false, state: 'any' });
    expect(Object.keys(aiNode?.checks ?? {})).toEqual([
      'metrics-exporter',
      'model-openchat',
      'monitor',
      'node-exporter',
    ]);
    expect(JSON.stringify(scrapedBy(devOps!))).not.toContain(':11403');
  });

  it('may all start by hand', () => {
    const manual = withModels((models) =>
      Object.fromEntries(
        Object.entries(models).map(([name, model]) => [name, { ...model, start: 'manual' as const }]),
      ),
    );
    expect(problemsOf(manual)).toEqual([]);
    const [, devOps] = buildHosts(manual);
    expect(Object.keys(devOps?.files ?? {})).not.toContain('/etc/grafana/dashboards/models.json');
  });

  it('that ask one GPU for more memory than it has are refused, by name', () => {
    const greedy = withModels((models) =>
      Object.fromEntries(
        Object.entries(models).map(([name, model]) => [
          name,
          { ...model, gpus: [0], gpuMemoryUtilization: 0.5 },
        ]),
      ),
    );
    expect(problemsOf(greedy)).toEqual([
      '[ai-node/ai/models] gpuMemoryUtilization: GPU 0 is asked for 1.00 of its memory by models that may run together ' +
        '(openchat 0.5 + phi3 0.5). Keep the sum at or below 0.95, move a model to another GPU, or let models that need ' +
        'not run together conflict.',
    ]);
  });

  it('that want one port are refused, and both are named', () => {
    const clash = withModels((models) =>
      Object.fromEntries(Object.entries(models).map(([name, model]) => [name, { ...model, port: 11403 }])),
    );
    expect(problemsOf(clash)).toEqual([
      '[ai-node/ai/models/phi3/port] number: 11403/tcp is taken by ai-node/ai/models/openchat/port. Give one of them another port.',
    ]);
  });
});
