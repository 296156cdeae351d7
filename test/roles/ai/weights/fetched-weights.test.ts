import { describe, expect, it } from 'vitest';
import { lockText } from '../../../../lib/roles/ai/weights/lock-file.js';
import { buildHosts } from '../../../../stacks/app.js';
import { problemTexts } from '../../../constructs/host/support.js';
import { parseInventory } from '../../../support/site.js';

const COMMIT = 'b'.repeat(40);
const FILES = { 'sub/model.safetensors': { size: 7, sha256: 'a'.repeat(64) } };
const locked = (from: string, include: string[] = []) => ({ from, include, exclude: [], files: FILES });

/** The manifest of an AI node whose model phi has these weights, with this lock file. */
function node(weights: string, lock: string | undefined) {
  const text = `operator: { addresses: [10.0.0.9] }
secrets: { hub: { env: HUB } }
hosts:
  ai-node:
    address: 10.0.0.1
    mounts:
      /mnt/citadel-models: { device: LABEL=models, type: ext4 }
    ai:
      gpus: [{ memoryGiB: 80 }, { memoryGiB: 80 }]
      firstModel: phi
      models:
        phi: { port: 11400, directory: Phi-3, weightsGiB: 1, gpus: [0], weights: ${weights} }
        own: { port: 11401, directory: own, weightsGiB: 1, gpus: [1], start: manual }
`;
  const inventory = parseInventory(text, 'citadel.yaml');
  const texts: Record<string, string> = lock === undefined ? {} : { 'models.lock.yaml': lock };
  return () => buildHosts({ ...inventory, texts })[0]!;
}

const HUB = node(
  '{ from: hf://org/phi@main, token: hub, maxMiBPerSec: 1.5 }',
  lockText([{ ...locked('hf://org/phi@main'), revision: COMMIT }]),
);

describe('weights that a host fetches', () => {
  it('are wanted by a file that has the commit, and never the token', () => {
    const { files = {} } = HUB();
    const wanted = files['/opt/citadel/configs/weights/phi.json'];
    expect(JSON.parse(wanted?.content ?? '')).toEqual({
      model: 'phi',
      unit: 'citadel-phi.service',
      start: 'boot',
      from: 'hf://org/phi@main',
      kind: 'http',
      base: `https://huggingface.co/org/phi/resolve/${COMMIT}/`,
      target: '/mnt/citadel-models/active/Phi-3',
      work: '/mnt/citadel-models/downloads/Phi-3',
      disks: ['/mnt/citadel-models'],
      bytesPerSec: 1_572_864,
      files: [{ path: 'sub/model.safetensors', size: 7, sha256: 'a'.repeat(64) }],
    });
    expect(files['/etc/citadel/credentials/phi-weights-token']).toMatchObject({
      mode: '0600',
      secret: 'hub',
    });
    const unit = files['/etc/systemd/system/citadel-weights-phi.service']?.content ?? '';
    expect(unit).toContain('LoadCredential=token:/etc/citadel/credentials/phi-weights-token');
    expect(unit).toContain('User=agent0');
    expect(unit).toContain('ReadWritePaths=/mnt/citadel-models\n');
  });

  it('are fetched by a timer, so that no apply waits, again when they change', () => {
    const { units = {} } = HUB();
    expect(units['citadel-weights-phi.service']).toMatchObject({ state: 'any' });
    const service = HUB().files?.['/etc/systemd/system/citadel-weights-phi.service']?.content;
    expect(service).toContain(
      'ExecStartPre=+/bin/sh -c "while test -L /var/lib/citadel-iac/open; do sleep 2; done"\n',
    );
    expect(service).toContain('TimeoutStartSec=infinity\n');
    expect(units['citadel-weights-phi.timer']).toMatchObject({ enabled: true, state: 'running' });
    expect(units['citadel-weights-phi.timer']?.restartOn).toEqual(
      expect.arrayContaining([
        '/opt/citadel/configs/weights/phi.json',
        '/etc/citadel/credentials/phi-weights-token',
      ]),
    );
  });

  it('are waited for by the model and by its gate, and by no other', () => {
    const { files = {}, checks = {} } = HUB();
    const unit = (name: string) => files[`/etc/systemd/system/citadel-${name}.service`]?.content;
    expect(unit('phi')).toContain('ConditionPathIsDirectory=/opt/citadel/models/Phi-3\n');
    expect(unit('own')).not.toContain('ConditionPathIsDirectory');
    expect(checks['model-phi']).toMatchObject({
      kind: 'command',
      command: ['/opt/citadel/scripts/model-gate', 'citadel-phi.service', 'http://10.0.0.1:11400/health'],
    });
  });

  it('come from a folder or a web server as they are', () => {
    const base = (weights: string, entry: Parameters<typeof lockText>[0][number]) => {
      const { files = {} } = node(weights, lockText([entry]))();
      const { kind, base: from } = JSON.parse(
        files['/opt/citadel/configs/weights/phi.json']?.content ?? '',
      ) as {
        kind: string;
        base: string;
      };
      return [kind, from];
    };
    expect(base('{ from: "dir:/srv/phi" }', locked('dir:/srv/phi'))).toEqual(['folder', '/srv/phi']);
    const web = 'https://example.net/phi/';
    expect(base(`{ from: "${web}", include: [a.bin] }`, locked(web, ['a.bin']))).toEqual(['http', web]);
  });

  it('are refused where no one has looked at them', () => {
    expect(problemTexts(node('{ from: hf://org/phi@v2 }', undefined))).toEqual([
      '[ai-node/ai] models.phi.weights: hf://org/phi@v2 is not in models.lock.yaml. Run: citadel-iac models lock phi.',
    ]);
  });
});
