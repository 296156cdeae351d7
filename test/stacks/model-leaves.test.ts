import { describe, expect, it } from 'vitest';
import { canonicalJson, type HostManifest } from '../../lib/manifest/index.js';
import { buildHosts } from '../../stacks/app.js';
import { inventoryOf } from './example.js';

const SECTIONS = [
  'packages',
  'groups',
  'users',
  'directories',
  'files',
  'blocks',
  'symlinks',
  'mounts',
  'units',
  'checks',
] as const;

const production = inventoryOf('citadel');
type Models = NonNullable<(typeof production.hosts)[string]['ai']>['models'];

/** Both hosts, with other models on the AI node. */
function hostsWith(change: (models: Models) => Models): HostManifest[] {
  const node = production.hosts['ai-node']!;
  const ai = { ...node.ai!, models: change(node.ai!.models) };
  return buildHosts({ ...production, hosts: { ...production.hosts, 'ai-node': { ...node, ai } } });
}

/** `host - section key` for what is gone, `+` for what is new, `~` for what is different. */
function changes(before: readonly HostManifest[], after: readonly HostManifest[]): string[] {
  return before.flatMap((host, index) =>
    SECTIONS.flatMap((section) => {
      const old: Readonly<Record<string, unknown>> = host[section] ?? {};
      const now: Readonly<Record<string, unknown>> = after[index]?.[section] ?? {};
      return [...new Set([...Object.keys(old), ...Object.keys(now)])].sort().flatMap((key) => {
        const sign = !(key in now) ? '-' : !(key in old) ? '+' : '~';
        return sign === '~' && canonicalJson(old[key]) === canonicalJson(now[key])
          ? []
          : [`${host.host} ${sign} ${section} ${key}`];
      });
    }),
  );
}

/** Every line of a manifest, as `section/key: line`, but for the node's programs: they are the same whatever is served. */
function texts(host: HostManifest): string[] {
  return SECTIONS.flatMap((section) =>
    Object.entries(host[section] ?? {}).flatMap(([key, item]) =>
      key.startsWith('/opt/citadel/lib/')
        ? []
        : JSON.stringify(item, undefined, 1)
            .split(/\n|\\n/)
            .map((line) => `${section}/${key}: ${line}`),
    ),
  );
}

const names = (line: string): boolean => /phi-?3|\b11403\b/i.test(line);

const before = buildHosts(production);

describe('a model that leaves the inventory', () => {
  const after = hostsWith(({ phi3: _gone, ...others }) => others);

  it('takes its units, its link and its check from the node, and changes only files that name models', () => {
    expect(changes(before, after)).toEqual([
      'ai-node - users citadel-model-phi3',
      'ai-node ~ files /etc/citadel/lan/haproxy.cfg',
      'ai-node ~ files /etc/nftables.conf',
      'ai-node ~ files /etc/polkit-1/rules.d/50-citadel.rules',
      'ai-node - files /etc/systemd/system/citadel-phi3.service',
      'ai-node ~ files /opt/citadel/configs/storage_settings.py',
      // Less is saved, so that a backup is old a minute sooner.
      'ai-node ~ files /var/lib/prometheus/node-exporter/citadel-expected.prom',
      'ai-node - symlinks /mnt/citadel-models/active/phi3',
      'ai-node - units citadel-phi3.service',
      'ai-node - checks model-phi3',
      'dev-ops ~ files /etc/grafana/dashboards/model.json',
      'dev-ops ~ files /etc/grafana/dashboards/models.json',
      'dev-ops ~ files /etc/prometheus/rules/models.yml',
      'dev-ops ~ files /etc/prometheus/rules/slo.yml',
      // Prometheus reads these by itself.
      'dev-ops ~ files /etc/prometheus/targets/probe.yml',
      'dev-ops ~ files /etc/prometheus/targets/vllm.yml',
    ]);
  });

  it('is named nowhere afterwards', () => {
    expect(before.flatMap(texts).filter(names).length).toBeGreaterThan(100);
    expect(after.flatMap(texts).filter(names)).toEqual([]);
  });

  it('takes only its own lines from what Prometheus scrapes and tells', () => {
    const lines = (hosts: readonly HostManifest[]): string[] =>
      hosts.flatMap(texts).filter((line) => line.startsWith('files//etc/prometheus/'));
    const left = new Set(lines(after));
    const lost = lines(before).filter((line) => !left.has(line));
    expect(lost.length).toBeGreaterThan(10);
    expect(lost.filter((line) => !names(line))).toEqual([]);
  });
});

describe('a model that is renamed', () => {
  it('has its new name everywhere that it had the old one, on both hosts, and nothing else changes', () => {
    const renamed = hostsWith(({ vision, ...others }) => ({ ...others, vision2: vision! }));
    // Ids of panels are made of their titles.
    const lines = (hosts: readonly HostManifest[]): string[] =>
      hosts.flatMap(texts).filter((line) => !/\\"id\\": \d+/.test(line));
    expect(lines(renamed)).toEqual(lines(before).map((line) => line.replaceAll(/\bvision\b/g, 'vision2')));
  });
});
