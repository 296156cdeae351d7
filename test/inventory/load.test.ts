import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { hostFileJsonSchemaText, targetOf } from '../../lib/inventory/index.js';
import { inventoryJsonSchemaText, loadInventory } from '../support/site.js';
import { CitadelError } from '../../lib/manifest/index.js';

const PIN = `SHA256:${'A'.repeat(43)}`;
const OTHER_PIN = `SHA256:${'B'.repeat(43)}`;
const REPOSITORY = new URL('../..', import.meta.url).pathname;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'citadel-inventory-'));
  write('package.json', '{}');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function write(name: string, content: string | Buffer): void {
  mkdirSync(join(folder, name, '..'), { recursive: true });
  writeFileSync(join(folder, name), content);
}

function failure(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (error instanceof CitadelError) return error.message;
    throw error;
  }
  return 'no error';
}

const SSH = `hosts:
  box:
    address: 10.0.0.1
    ssh:
      user: agent0
      hostKeys: [${PIN}]
      jump: { address: gate.example, user: jump, hostKeys: [${PIN}] }
      timeouts: { connectSec: 5 }
`;

describe('loadInventory', () => {
  it('takes the file that is named, then CITADEL_INVENTORY, then the default', () => {
    write('a.yaml', 'hosts: { a: { root: /a } }');
    write('b.yaml', 'hosts: { b: { root: /b } }');
    write('stacks/inventory/citadel.yaml', 'hosts: { c: { root: /c } }');
    const hosts = (path: string | undefined, env: object): string[] =>
      Object.keys(loadInventory(path, env, folder).hosts);
    expect(hosts('a.yaml', { CITADEL_INVENTORY: 'b.yaml' })).toEqual(['a']);
    expect(hosts(undefined, { CITADEL_INVENTORY: 'b.yaml' })).toEqual(['b']);
    expect(hosts(undefined, { CITADEL_INVENTORY: '' })).toEqual(['c']);
  });

  it('says which file it could not read, and why', () => {
    expect(failure(() => loadInventory('no.yaml', {}, folder))).toBe(
      '[no.yaml] cannot be read: there is no such file. Give a file or folder with --inventory or CITADEL_INVENTORY (default: stacks/inventory/citadel.yaml).',
    );
    write('latin.yaml', Buffer.from([0x68, 0xe4, 0x0a]));
    expect(failure(() => loadInventory('latin.yaml', {}, folder))).toBe(
      '[latin.yaml] is not UTF-8 text. Save it as UTF-8.',
    );
    write('large.yaml', Buffer.alloc(4 * 1024 * 1024 + 1, '#'));
    expect(failure(() => loadInventory('large.yaml', {}, folder))).toContain(
      '[large.yaml] is larger than 4 MiB.',
    );
  });

  it('takes an offline root relative to the project, not to the working directory', () => {
    write('conf/a.yaml', 'hosts: { a: { root: images/a } }');
    expect(loadInventory('a.yaml', {}, join(folder, 'conf')).hosts['a']?.root).toBe(join(folder, 'images/a'));
  });
});

describe('the targets file', () => {
  it('is laid over address and ssh, with paths relative to itself', () => {
    write('a.yaml', `targetsFile: .citadel/lab.json\n${SSH}`);
    write(
      '.citadel/lab.json',
      JSON.stringify({
        box: {
          address: '10.9.9.9',
          hostKeys: [OTHER_PIN],
          user: 'root',
          identityFile: 'keys/id',
          port: 2222,
        },
        other: { address: '10.9.9.8' },
      }),
    );
    const inventory = loadInventory('a.yaml', {}, folder);
    expect(Object.keys(inventory.hosts)).toEqual(['box']);
    expect(targetOf(inventory, 'box')).toEqual({
      address: '10.9.9.9',
      port: 2222,
      user: 'root',
      hostKeys: [OTHER_PIN],
      identityFile: join(folder, '.citadel/keys/id'),
      jump: { address: 'gate.example', port: 22, user: 'jump', hostKeys: [PIN] },
      connectTimeoutSec: 5,
      readTimeoutSec: 60,
      applyTimeoutSec: 1800,
      confirmTimeoutSec: 60,
    });
  });

  it('may turn a host into an offline root', () => {
    write('a.yaml', `targetsFile: t.json\n${SSH}`);
    write('t.json', '{"box": {"root": "image"}}');
    expect(targetOf(loadInventory('a.yaml', {}, folder), 'box')).toEqual({ root: join(folder, 'image') });
  });

  it('may be missing until someone connects', () => {
    write('a.yaml', 'targetsFile: lab.json\nhosts: { box: { address: 10.0.0.1 } }');
    const inventory = loadInventory('a.yaml', {}, folder);
    expect(failure(() => targetOf(inventory, 'box'))).toBe(
      '[a.yaml] hosts.box: says no way to log in, and the targets file lab.json does not exist. Start what writes that file (for the lab: "npm run lab -- up"), or add "ssh" to the host.',
    );
  });

  it('can be named, or turned off, by CITADEL_TARGETS', () => {
    write('a.yaml', `targetsFile: lab.json\n${SSH}`);
    write('lab.json', '{"box": {"port": 1}}');
    write('two.json', '{"box": {"port": 2}}');
    const port = (env: object): unknown => loadInventory('a.yaml', env, folder).hosts['box']?.ssh?.port;
    expect(port({})).toBe(1);
    expect(port({ CITADEL_TARGETS: 'two.json' })).toBe(2);
    expect(port({ CITADEL_TARGETS: '' })).toBe(22);
  });

  it('is that of the lab with the name that CITADEL_LAB_NAME says, if it is a lab’s', () => {
    write('lab.yaml', 'targetsFile: .citadel/lab.json\nhosts: { box: { address: 10.0.0.1 } }');
    write('other.yaml', `targetsFile: lab.json\n${SSH}`);
    write('.citadel/lab.json', '{"box": {"address": "10.0.0.2"}}');
    write('.citadel/lab-mine.json', '{"box": {"address": "10.0.0.3"}}');
    write('lab.json', '{"box": {"address": "10.0.0.4"}}');
    const address = (env: object, file = 'lab.yaml'): unknown =>
      loadInventory(file, env, folder).hosts['box']?.address;
    expect(address({})).toBe('10.0.0.2');
    expect(address({ CITADEL_LAB_NAME: 'citadel' })).toBe('10.0.0.2');
    expect(address({ CITADEL_LAB_NAME: 'mine' })).toBe('10.0.0.3');
    expect(address({ CITADEL_LAB_NAME: 'mine', CITADEL_TARGETS: 'lab.json' })).toBe('10.0.0.4');
    expect(address({ CITADEL_LAB_NAME: 'mine' }, 'other.yaml')).toBe('10.0.0.4');
    const down = loadInventory('lab.yaml', { CITADEL_LAB_NAME: 'down' }, folder);
    expect(failure(() => targetOf(down, 'box'))).toContain('.citadel/lab-down.json does not exist');
  });

  it('names its own problems', () => {
    write('a.yaml', `targetsFile: lab.json\n${SSH}`);
    write('lab.json', '{"box": {"hostKeys": ["x"]}}');
    expect(failure(() => loadInventory('a.yaml', {}, folder))).toContain(
      '[lab.json:1:23] box.hostKeys[0]: "x" is not a fingerprint',
    );
  });
});

describe('targetOf', () => {
  it('passes an empty list of pins on: connecting refuses, and shows the key on offer', () => {
    write('a.yaml', 'hosts: { box: { address: 10.0.0.1, ssh: { user: agent0 } } }');
    expect(targetOf(loadInventory('a.yaml', {}, folder), 'box')).toMatchObject({ hostKeys: [], port: 22 });
  });

  it('refuses a host that the inventory does not name, or names no way to', () => {
    write('a.yaml', 'hosts: { box: { address: 10.0.0.1 } }');
    const inventory = loadInventory('a.yaml', {}, folder);
    expect(failure(() => targetOf(inventory, 'bxo'))).toBe(
      '[a.yaml] unknown host "bxo". Did you mean "box"?',
    );
    expect(failure(() => targetOf(inventory, 'toString'))).toBe(
      '[a.yaml] unknown host "toString". Use one of: box.',
    );
    expect(failure(() => targetOf(inventory, 'box'))).toBe(
      '[a.yaml] hosts.box: says no way to reach it. Add "address" and "ssh" with a user, or "root" with a directory.',
    );
  });
});

describe('the committed inventories', () => {
  it.each(['citadel', 'lab'])('%s.yaml is well', (name) => {
    const inventory = loadInventory(`stacks/inventory/${name}.yaml`, { CITADEL_TARGETS: '' }, REPOSITORY);
    expect(Object.keys(inventory.hosts)).toEqual(['ai-node', 'dev-ops']);
    expect(inventory.hosts['ai-node']?.address).toBe('192.168.10.35');
    expect(inventory.hosts['dev-ops']?.address).toBe('192.168.10.36');
  });

  it('have a JSON Schema that is current (else: npm run schema:inventory)', () => {
    const committed = readFileSync(join(REPOSITORY, 'stacks/inventory/inventory.schema.json'), 'utf8');
    expect(committed).toBe(inventoryJsonSchemaText());
    const ofHost = readFileSync(join(REPOSITORY, 'stacks/inventory/host.schema.json'), 'utf8');
    expect(ofHost).toBe(hostFileJsonSchemaText());
  });
});
