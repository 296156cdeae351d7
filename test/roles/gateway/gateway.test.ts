import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Host } from '../../../lib/constructs/host/host.js';
import { groupTests, RuleGroup } from '../../../lib/constructs/monitoring/rules/index.js';
import { CitadelError, type HostManifest } from '../../../lib/manifest/index.js';
import { keepalivedConfiguration } from '../../../lib/roles/gateway/keepalived.js';
import { contentOf } from '../../stacks/example.js';
import { scratch, writeTree } from '../../stacks/scratch.js';
import { hasTool } from '../../stacks/tools.js';
import { testRules } from '../monitoring/promtool.js';
import { scrapedBy } from '../../support/scraped.js';
import { fleet, inventory, site } from './site.js';

const hostsOf = (given?: Parameters<typeof fleet>[0]) =>
  Object.fromEntries(site.buildHosts(inventory(fleet(given))).map((host) => [host.host, host]));

const problemsOf = (given: Parameters<typeof fleet>[0]): string[] => {
  try {
    hostsOf(given);
  } catch (error) {
    if (error instanceof CitadelError) return error.problems.map(({ path, got }) => `${path}: ${got}`);
    throw error;
  }
  return [];
};

const secrets = (...names: string[]) =>
  `secrets:\n${names.map((name) => `  ${name}: { env: ${name.toUpperCase()} }\n`).join('')}`;

describe('a gateway before two AI nodes', () => {
  const { door, 'node-a': node, watch } = hostsOf();

  it('sends requests for a model to the nodes that serve it', () => {
    expect(contentOf(door!, '/etc/citadel-gateway/haproxy.cfg')).toMatch(
      /frontend phi3\n {4}bind 10\.0\.0\.10:11403\n[^]*backend phi3\n[^]*server node-a 10\.0\.0\.11:11403\n {4}server node-b 10\.0\.0\.12:11403\n/,
    );
  });

  it('is let in by the models, and by nothing else of their hosts', () => {
    const rules = contentOf(node!, '/etc/nftables.conf').split('\n');
    const open = rules.filter((line) => line.includes('10.0.0.10'));
    expect(open.length).toBeGreaterThan(0);
    for (const line of open) expect(line).toContain('11403');
  });

  it('is asked at /health, where nodes say early that a model is to be closed', () => {
    expect(contentOf(node!, '/etc/citadel/lan/haproxy.cfg')).toContain('use_backend phi3-ready if health');
  });

  it('is scraped, has alerts and a dashboard', () => {
    expect(scrapedBy(watch!)['gateway']).toEqual([{ targets: ['10.0.0.10:8003'], labels: { host: 'door' } }]);
    expect(contentOf(watch!, '/etc/prometheus/rules/gateway.yml')).toContain('alert: GatewayDown');
    expect(site.notes(inventory(fleet()))).toEqual([]);
  });

  const note = hasTool('promtool') ? '' : ' (skipped: promtool is not installed)';
  it.skipIf(note !== '')(
    `has alerts whose tests pass${note}`,
    async () => {
      const group = site
        .buildTree(inventory(fleet()))
        .node.findAll()
        .filter(Host.isHost)
        .flatMap((host) => RuleGroup.of(host))
        .find(({ path }) => path.endsWith('/gateway.yml'))!;
      const directory = scratch();
      const tests = Object.entries(groupTests(group));
      writeTree(
        directory,
        Object.fromEntries(
          tests.flatMap(([name, { rules, tests: text }]) => [
            [`${name}.yml`, rules],
            [`${name}.test.yml`, text],
          ]),
        ),
      );
      const files = tests.map(([name]) => `${name}.test.yml`);
      expect(await testRules(directory, files)).toEqual(new Map(files.map((file) => [file, true])));
    },
    60_000,
  );
});

describe('the inventory of a gateway', () => {
  const keyed = '\n      lan: { keys: { gateway: node_key } }';

  it('has one port for a model: nodes agree on it, or it says which', () => {
    expect(problemsOf({ secondPort: 11500 })).toEqual([
      'door/gateway: phi3 has port 11403 on node-a and 11500 on node-b',
    ]);
    const { door } = hostsOf({ secondPort: 11500, gateway: '{ models: { phi3: { port: 8080 } } }' });
    expect(contentOf(door!, '/etc/citadel-gateway/haproxy.cfg')).toMatch(
      /bind 10\.0\.0\.10:8080\n[^]*server node-b 10\.0\.0\.12:11500\n/,
    );
  });

  it('has nodes to ask, other than itself', () => {
    const alone =
      'hosts:\n  door: { address: 10.0.0.10, gateway: {} }\noperator: { addresses: [10.0.1.0/24] }\n';
    expect(() => site.buildHosts(inventory(alone))).toThrow(
      'no AI node of this inventory starts a model at boot. Add one, or take "gateway" from this host',
    );
    const both = fleet().replace('    address: 10.0.0.12\n', '    address: 10.0.0.12\n    gateway: {}\n');
    expect(() => site.buildHosts(inventory(both))).toThrow(
      '[node-b/gateway] models: this host serves models itself, and their ports and proxy are taken. Give the gateway a host of its own',
    );
  });

  it('names models that there are', () => {
    expect(problemsOf({ gateway: '{ models: [phi4] }' })).toEqual([
      'door/gateway: no AI node starts a model "phi4" at boot',
    ]);
    expect(problemsOf({ gateway: '{ models: 3 }' })).toEqual([
      'site.yaml:38:24: 3 is neither a list of models nor a map of them',
    ]);
  });

  it('has the key that nodes ask for, and nodes see no other', () => {
    const given = { nodeMore: keyed, secrets: secrets('node_key') };
    expect(problemsOf(given)).toEqual(['door/gateway: is missing, and node-a asks for a key for phi3']);
    const { door } = hostsOf({ ...given, gateway: '{ upstreamKey: node_key }' });
    expect(contentOf(door!, '/etc/citadel-gateway/upstream.map')).toBe('nodes @@secret:node_key@@\n');
    expect(contentOf(door!, '/etc/citadel-gateway/haproxy.cfg')).not.toContain('secret');
  });

  it('has the authority of nodes that speak TLS', () => {
    const given = {
      nodeMore: '\n      lan: { tls: { certificate: node_cert, key: node_cert_key } }',
      secrets: secrets('node_cert', 'node_cert_key', 'node_ca'),
    };
    expect(problemsOf(given)).toEqual(['door/gateway: is missing, and node-a serves phi3 over TLS']);
    const { door } = hostsOf({ ...given, gateway: '{ upstreamCa: node_ca }' });
    expect(contentOf(door!, '/etc/citadel-gateway/haproxy.cfg')).toContain(
      'server node-a 10.0.0.11:11403 ssl verify required ca-file /etc/citadel-gateway/nodes-ca.pem',
    );
  });

  it('names secrets that have a source', () => {
    expect(
      problemsOf({
        gateway: '{ keys: { alice: { secret: alice_key } }, upstreamKey: node_kee }',
        secrets: secrets('node_key'),
      }),
    ).toEqual([
      'site.yaml:38:41: no secret is called "alice_key"',
      'site.yaml:38:69: no secret is called "node_kee"',
    ]);
  });
});

describe('two gateways with one address', () => {
  const shared = (more = '') => `{ shared: { address: 10.0.0.100, interface: eth0${more} } }`;
  const given = { gateway: shared(), second: shared() };
  const { door, 'door-2': second, 'node-a': node } = hostsOf(given);

  it('listen at it also while the other one has it, and ask it who it is', () => {
    const text = contentOf(door!, '/etc/citadel-gateway/haproxy.cfg');
    expect(text).toMatch(
      /frontend phi3\n {4}bind 10\.0\.0\.10:11403\n {4}bind 10\.0\.0\.100:11403 transparent\n/,
    );
    expect(text).toMatch(
      /expect hdr name X-Gateway value door\n[^]*server 10\.0\.0\.100 10\.0\.0\.100:8003\n/,
    );
  });

  it('let each other’s VRRP in, and no one else’s; nodes let both in', () => {
    const vrrp = (host: HostManifest) =>
      contentOf(host, '/etc/nftables.conf')
        .split('\n')
        .filter((line) => line.includes('l4proto 112'));
    expect(vrrp(door!)).toEqual([
      '\t\tip saddr 10.0.0.13 meta l4proto 112 accept comment "keepalived.service"',
    ]);
    expect(vrrp(second!)).toEqual([
      '\t\tip saddr 10.0.0.10 meta l4proto 112 accept comment "keepalived.service"',
    ]);
    expect(vrrp(node!)).toEqual([]);
    expect(contentOf(node!, '/etc/nftables.conf')).toMatch(
      /ip saddr \{[^}]*10\.0\.0\.10, 10\.0\.0\.13[^}]*\} tcp dport 11403/,
    );
  });

  it('are equal in VRRP, so that the address does not go back by itself', () => {
    const text = (host: HostManifest) => contentOf(host, '/etc/keepalived/keepalived.conf');
    expect(text(door!)).toContain('priority 100\n');
    const rest = (host: HostManifest) =>
      text(host)
        .split('\n')
        .filter((line) => !/10\.0\.0\.1[03]\b/.test(line));
    expect(rest(door!)).toEqual(rest(second!));
    expect(door!.units?.['keepalived.service']).toMatchObject({
      enabled: true,
      reloadOn: ['/etc/keepalived/keepalived.conf'],
    });
  });

  const note = hasTool('keepalived') ? '' : ' (skipped: keepalived is not installed)';
  it.skipIf(note !== '' || process.getuid?.() !== 0)(
    `have a configuration that keepalived accepts, and a mistake in it is refused${note}`,
    () => {
      const directory = scratch();
      const test = (text: string) => {
        writeTree(directory, { 'keepalived.conf': text });
        const file = join(directory, 'keepalived.conf');
        const script =
          'ip link add eth0 type veth peer name eth1 && ip link set eth0 up && exec keepalived --config-test --use-file="$1"';
        const { status, stderr } = spawnSync('unshare', ['--net', 'sh', '-c', script, 'sh', file], {
          encoding: 'utf8',
        });
        return { status, stderr };
      };
      const settings = { interface: 'eth0', router: 51, ready: 'http://192.0.2.1:8003/ready' };
      const good = keepalivedConfiguration({
        ...settings,
        address: '192.0.2.9',
        own: '192.0.2.1',
        others: ['192.0.2.2'],
      });
      expect(test(good)).toEqual({ status: 0, stderr: '' });
      expect(
        test(
          keepalivedConfiguration({
            ...settings,
            address: 'fd00::9',
            own: 'fd00::1',
            others: ['fd00::2', 'fd00::3'],
          }),
        ),
      ).toEqual({ status: 0, stderr: '' });
      expect(test(good.replace('interface eth0', 'interface eth7')).stderr).toContain(
        "eth7 for vrrp_instance gateway doesn't exist",
      );
      expect(test(good.replace('weight', 'wight')).status).toBe(5);
    },
  );

  it.each([
    [{ gateway: shared() }, ['door/gateway/shared: no other gateway shares 10.0.0.100']],
    [
      { gateway: shared(), second: '{ maxRequests: 2, shared: { address: 10.0.0.100, interface: ens3 } }' },
      [
        'door-2/gateway/shared: maxRequests is not what door has',
        'door/gateway/shared: maxRequests is not what door-2 has',
      ],
    ],
    [
      { gateway: shared(), second: shared(', router: 52') },
      [
        'door-2/gateway/shared: shared.router is not what door has',
        'door/gateway/shared: shared.router is not what door-2 has',
      ],
    ],
    [
      { gateway: '{ shared: { address: 10.0.0.13, interface: eth0 } }', second: '{}' },
      [
        'door/gateway/shared: 10.0.0.13 is the address of door-2',
        'door/gateway/shared: no other gateway shares 10.0.0.13',
      ],
    ],
    [
      {
        gateway: '{ shared: { address: "fd00::1", interface: eth0 } }',
        second: '{ shared: { address: "fd00::1", interface: eth0 } }',
      },
      [
        'door-2/gateway/shared: fd00::1, 10.0.0.13, 10.0.0.10 are of IPv4 and of IPv6',
        'door/gateway/shared: fd00::1, 10.0.0.10, 10.0.0.13 are of IPv4 and of IPv6',
      ],
    ],
  ])('are refused where that cannot work: %#', (wrong, problems) => {
    expect(problemsOf(wrong).sort()).toEqual(problems);
  });
});
