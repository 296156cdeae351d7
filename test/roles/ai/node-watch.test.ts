import { describe, expect, it } from 'vitest';
import type { HostManifest } from '../../../lib/manifest/index.js';
import { buildHosts } from '../../../stacks/app.js';
import { contentOf, inventoryOf } from '../../stacks/example.js';

const SERVICES = ['citadel-monitor.service', 'citadel-metrics-exporter.service'] as const;
const KEY = '/etc/citadel/credentials/phi3-api-key';

/** Production's AI node; `keyed` models ask for an API key. */
function nodeWith(keyed: readonly string[]): HostManifest {
  const example = inventoryOf('citadel');
  const node = example.hosts['ai-node'];
  if (node?.ai === undefined) throw new Error('the example has lost its AI node');
  const models = Object.fromEntries(
    Object.entries(node.ai.models).map(([name, model]) => [
      name,
      keyed.includes(name) ? { ...model, apiKey: 'model_key' } : model,
    ]),
  );
  const hosts = { ...example.hosts, 'ai-node': { ...node, ai: { ...node.ai, models } } };
  const manifest = buildHosts({ ...example, hosts }).find(({ host }) => host === 'ai-node');
  if (manifest === undefined) throw new Error('there is no AI node');
  return manifest;
}

const credentialsOf = (manifest: HostManifest, unit: string): string[] =>
  contentOf(manifest, `/etc/systemd/system/${unit}`)
    .split('\n')
    .filter((line) => line.startsWith('LoadCredential='));

describe.each(SERVICES)('%s', (unit) => {
  it('has no credentials where no model asks for a key', () => {
    expect(credentialsOf(nodeWith([]), unit)).toEqual([]);
  });

  // It may not gain privileges, so it cannot read a key through sudo as a person can.
  it('is handed the keys of models, and restarts when one changes', () => {
    const manifest = nodeWith(['phi3', 'coder']);
    expect(credentialsOf(manifest, unit)).toEqual([
      'LoadCredential=coder-api-key:/etc/citadel/credentials/coder-api-key',
      `LoadCredential=phi3-api-key:${KEY}`,
    ]);
    expect(manifest.units?.[unit]?.restartOn).toContain(KEY);
    expect(contentOf(manifest, `/etc/systemd/system/${unit}`)).toContain('NoNewPrivileges=yes');
    expect(contentOf(manifest, '/opt/citadel/configs/storage_settings.py')).toContain(
      `"api_key_file": "${KEY}"`,
    );
  });
});
