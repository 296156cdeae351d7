import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runbook } from '../../stacks/runbook.js';
import { contentOf, inventoryOf, manifestOf } from './example.js';
import { scrapedBy } from '../support/scraped.js';
import { scratch, writeTree } from './scratch.js';
import { hasTool, tool } from './tools.js';

/** The example, with every host at an IPv6 address. */
const inventory = (() => {
  const given = inventoryOf('citadel');
  const address: Readonly<Record<string, string>> = { 'ai-node': 'fd00::35', 'dev-ops': 'fd00::36' };
  return {
    ...given,
    hosts: Object.fromEntries(
      Object.entries(given.hosts).map(([name, host]) => [name, { ...host, address: address[name] ?? '' }]),
    ),
    operator: { addresses: ['fd00::1'] },
  };
})();
const aiNode = manifestOf(inventory, 'ai-node');
const devOps = manifestOf(inventory, 'dev-ops');

/** `fd00::35:9100`: an address whose end is a port, or not; and `http://fd00::35`. */
const AMBIGUOUS = /fd00::3[56]:\d|\/\/fd00::/;

describe('the example at IPv6 addresses', () => {
  it('has targets for Prometheus that are an address and a port', () => {
    const targets = Object.values(scrapedBy(devOps)).flatMap((groups) =>
      groups.flatMap((each) => each.targets),
    );
    const hosts = targets.map((target) => {
      const { hostname, port } = new URL(target.startsWith('http') ? target : `http://${target}`);
      expect(port, target).not.toBe('');
      return hostname;
    });
    expect([...new Set(hosts)].sort()).toEqual(['127.0.0.1', '[fd00::35]', '[fd00::36]']);
  });

  it.each([
    ['ai-node', aiNode],
    ['dev-ops', devOps],
  ])('has no file on %s in which an address runs into its port', (_name, manifest) => {
    const texts = Object.entries(manifest.files ?? {}).filter(([, { content = '' }]) =>
      AMBIGUOUS.test(content),
    );
    expect(texts.map(([path]) => path)).toEqual([]);
    expect(JSON.stringify({ ...manifest, files: {} })).not.toMatch(AMBIGUOUS);
  });

  it('has a runbook whose addresses can be asked', () => {
    expect(runbook(inventory)).not.toMatch(AMBIGUOUS);
    expect(runbook(inventory)).toContain('http://[fd00::35]:11403');
  });

  it('tells the node where the monitoring server is, for Python’s own parser', () => {
    const settings = contentOf(aiNode, '/opt/citadel/configs/storage_settings.py');
    const url = /"prometheus": "([^"]+)"/.exec(settings)?.[1] ?? '';
    const read = 'import sys,urllib.parse as p; u=p.urlsplit(sys.argv[1]); print(u.hostname, u.port)';
    expect(tool('python3', ['-c', read, url])).toEqual({ status: 0, output: 'fd00::36 9090\n' });
  });

  it.skipIf(!hasTool('promtool'))('has a prometheus.yml that promtool takes', () => {
    const root = scratch();
    const text = contentOf(devOps, '/etc/prometheus/prometheus.yml');
    writeTree(root, { 'prometheus.yml': text.replaceAll('/etc/prometheus/', `${root}/`) });
    const { output } = tool('promtool', ['check', 'config', '--syntax-only', join(root, 'prometheus.yml')]);
    expect(output).toContain('SUCCESS');
  });
});
