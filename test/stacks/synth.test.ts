import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, readdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { scratch } from './scratch.js';

const PROJECT = fileURLToPath(new URL('../..', import.meta.url));
const PARTS = [
  'bin',
  'cdktf.json',
  'citadel.config.ts',
  'lib',
  'package.json',
  'stacks',
  'templates',
  'tsconfig.json',
];

/** Another clone: the project's own files at another place, and this one's installed packages. */
function clone(): string {
  const directory = join(scratch(), 'clone');
  mkdirSync(directory);
  for (const part of PARTS) cpSync(join(PROJECT, part), join(directory, part), { recursive: true });
  symlinkSync(join(PROJECT, 'node_modules'), join(directory, 'node_modules'));
  return directory;
}

function synth(directory: string, inventory: string, more: Readonly<Record<string, string>> = {}) {
  const { status, stderr } = spawnSync(process.execPath, ['--import', 'tsx', 'stacks/main.ts'], {
    cwd: directory,
    encoding: 'utf8',
    timeout: 60_000,
    env: { ...process.env, CITADEL_INVENTORY: inventory, CITADEL_TARGETS: '', ...more },
  });
  return { status, stderr };
}

describe('synthesis', () => {
  it('gives equal bytes in two clones, whatever the clock says', () => {
    const clones = [clone(), clone()];
    const outputs = clones.map((directory) => {
      expect(synth(directory, 'stacks/inventory/citadel.yaml')).toEqual({ status: 0, stderr: '' });
      const stacks = join(directory, 'cdktf.out/stacks');
      expect(readdirSync(stacks).sort()).toEqual(['ai-node', 'dev-ops']);
      return ['ai-node', 'dev-ops'].flatMap((stack) =>
        [`documents/${stack}.json`, 'cdk.tf.json'].map((file) =>
          readFileSync(join(stacks, stack, file), 'utf8'),
        ),
      );
    });
    expect(outputs[0]).toEqual(outputs[1]);
    for (const directory of clones) expect(outputs.flat().join()).not.toContain(directory);
    const resource = JSON.parse(outputs[0]?.[3] ?? '') as {
      resource: { citadel_host: Record<string, { name: string }> };
    };
    expect(Object.values(resource.resource.citadel_host).map(({ name }) => name)).toEqual(['dev-ops']);
  }, 120_000);

  it('puts all hosts into one stack where that is wanted', () => {
    const directory = clone();
    const done = synth(directory, 'stacks/inventory/citadel.yaml', { CITADEL_STACKS: 'all' });
    expect(done).toEqual({ status: 0, stderr: '' });
    const stacks = join(directory, 'cdktf.out/stacks');
    expect(readdirSync(stacks)).toEqual(['hosts']);
    expect(readdirSync(join(stacks, 'hosts/documents')).sort()).toEqual(['ai-node.json', 'dev-ops.json']);
    const { provider } = JSON.parse(readFileSync(join(stacks, 'hosts/cdk.tf.json'), 'utf8')) as {
      provider: { citadel: { hosts: Record<string, unknown> }[] };
    };
    expect(provider.citadel.map(({ hosts }) => Object.keys(hosts))).toEqual([['ai-node', 'dev-ops']]);
  }, 120_000);

  it('says what is wrong with an inventory, without a stack trace', () => {
    const { status, stderr } = synth(PROJECT, 'stacks/inventory/absent.yaml');
    expect(status).toBe(1);
    expect(stderr).toBe(
      '[stacks/inventory/absent.yaml] cannot be read: there is no such file. ' +
        'Give a file or folder with --inventory or CITADEL_INVENTORY (default: stacks/inventory/citadel.yaml).\n',
    );
  }, 60_000);
});
