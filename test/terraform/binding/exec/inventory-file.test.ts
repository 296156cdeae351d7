import { describe, expect, it } from 'vitest';
import { targetOf } from '../../../../lib/inventory/index.js';
import { parseInventory } from '../../../support/site.js';
import type { SecretSources, SshTarget, Target } from '../../../../lib/manifest/index.js';
import { inventoryOf } from '../../../../lib/terraform/binding/exec/inventory-file.js';

const hostKeys = [`SHA256:${'a'.repeat(43)}`];
const ssh: SshTarget = {
  address: '192.0.2.1',
  port: 2222,
  user: 'ops',
  hostKeys,
  identityFile: '~/.ssh/id',
  jump: { address: 'jump', port: 22, user: 'ops', hostKeys, identityFile: '/keys/jump' },
  connectTimeoutSec: 1,
  readTimeoutSec: 2,
  applyTimeoutSec: 3,
  confirmTimeoutSec: 4,
  keepGenerations: 5,
  keepGenerationsDays: 6,
};
const {
  jump: _jump,
  identityFile: _file,
  keepGenerations: _keep,
  keepGenerationsDays: _days,
  ...least
} = ssh;

/** What citadel-iac makes of it. */
function readBack(target: Target, secrets: SecretSources = {}) {
  const text = JSON.stringify(inventoryOf('web', target, secrets, '/project'));
  const inventory = { ...parseInventory(text, 'inventory.json'), texts: {} };
  const source = { file: 'inventory.json', projectDir: '/project' };
  return { target: targetOf({ ...inventory, source }, 'web'), secrets: inventory.secrets };
}

describe('inventoryOf', () => {
  it.each<[string, Target]>([
    ['an offline root', { root: '/mnt' }],
    ['the least of an SSH target', least],
    ['all of one', ssh],
  ])('is read back as the same target: %s', (_, target) => {
    expect(readBack(target)).toEqual({ target, secrets: {} });
  });

  it('lets relative paths start at the project, as the provider does', () => {
    expect(readBack({ root: './host' }).target).toEqual({ root: '/project/host' });
    expect(readBack({ ...ssh, identityFile: 'keys/id' }).target).toMatchObject({
      identityFile: '/project/keys/id',
      jump: { identityFile: '/keys/jump' },
    });
  });

  it('hands on the client and all hosts in between', () => {
    const hop = { address: 'jump', port: 22, user: 'ops', hostKeys };
    const hops = [hop, { ...hop, address: 'second', identityFile: 'keys/second' }];
    const { target } = readBack({ ...ssh, client: 'system', jump: hops });
    expect(target).toMatchObject({
      client: 'system',
      jump: [{ address: 'jump' }, { address: 'second', identityFile: '/project/keys/second' }],
    });
  });

  it('hands on the sources of secrets', () => {
    const secrets: SecretSources = { a: { env: 'A' }, b: { file: 'b' }, c: { command: ['pass', '${c}'] } };
    expect(readBack({ root: '/mnt' }, secrets).secrets).toEqual(secrets);
  });
});
