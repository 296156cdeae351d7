import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../support/temporary-folder.js';
import { call } from './call.js';

const FILES = {
  'inv/all.yaml': `defaults:
  ssh: { user: ops, port: 22 }
groups: { linux: { os: debian-12 } }
secrets: { password: { env: PASSWORD } }
targetsFile: lab/targets.json
`,
  'inv/groups/web.yaml': 'groups: [linux]\nssh: { port: 2222 }\ngenerations: { keep: 5 }\n',
  'inv/hosts/web[01:02].yaml': 'address: 10.0.0.[1:2]\ngroups: [web]\n',
  'inv/hosts/db1.yaml': 'address: 10.0.1.1',
  'lab/targets.json': '{ "web02": { "user": "lab" } }',
  'package.json': '{}',
};

async function shown(line: string) {
  const cwd = temporaryFolder('citadel-inventory-');
  for (const [name, text] of Object.entries(FILES)) {
    mkdirSync(dirname(join(cwd, name)), { recursive: true });
    writeFileSync(join(cwd, name), text);
  }
  return call(`${line} --inventory inv`, { cwd });
}

describe('citadel-iac inventory', () => {
  it('says what a host has, what says it, and where', async () => {
    const { code, printed } = await shown('inventory web02');
    expect(code).toBe(0);
    expect(printed.out).toBe(`web02 (in linux, web)
key                     value        said by       at
address                 "10.0.0.2"   host          inv/hosts/web[01:02].yaml:1:10
os                      "debian-12"  group linux   inv/all.yaml:3:24
generations.keep        5            group web     inv/groups/web.yaml:3:22
generations.maxAgeDays  365          built in      -
mounts                  {}           built in      -
nodeExporter.port       9100         built in      -
journal.maxUseGiB       2            built in      -
ssh.user                "lab"        targets file  lab/targets.json:1:22
ssh.port                2222         group web     inv/groups/web.yaml:2:14
ssh.hostKeys            []           built in      -
`);
  });

  it('is data as JSON', async () => {
    const { printed } = await shown('inventory --on @web --except web02 --json');
    expect(JSON.parse(printed.out)).toMatchObject({
      hosts: {
        web01: {
          groups: ['linux', 'web'],
          values: expect.arrayContaining([
            { path: ['ssh', 'user'], value: 'ops', at: 'inv/all.yaml:2:16', of: 'defaults' },
            { path: ['ssh', 'port'], value: 2222, at: 'inv/groups/web.yaml:2:14', of: 'group', name: 'web' },
            { path: ['generations', 'maxAgeDays'], value: 365, of: 'built-in' },
          ]) as unknown,
        },
      },
    });
  });

  it('knows no host that there is not', async () => {
    const { code, printed } = await shown('inventory web3');
    expect(code).toBe(1);
    expect(printed.err).toContain('[inv] unknown host "web3". Did you mean "web01"?');
  });
});
