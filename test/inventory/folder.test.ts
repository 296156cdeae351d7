import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CitadelError } from '../../lib/manifest/index.js';
import { loadInventory } from '../support/site.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const ALL = `operator: { addresses: [10.0.0.9] }
defaults: { ssh: { user: ops } }
groups: { web: {} }
`;

function load(files: Readonly<Record<string, string>>) {
  const folder = temporaryFolder('citadel-inventory-');
  for (const [name, text] of Object.entries({ 'package.json': '{}', ...files })) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  return loadInventory('inv', {}, folder);
}

function problemsOf(files: Readonly<Record<string, string>>): string {
  try {
    load(files);
  } catch (error) {
    if (error instanceof CitadelError) return error.message;
    throw error;
  }
  return 'no problem';
}

describe('an inventory that is a folder', () => {
  it('says what one file would say', () => {
    const { hosts, groups, source } = load({
      'inv/all.yaml': `${ALL}hosts: { a: { address: 10.0.0.1, groups: [web, gpu] } }`,
      'inv/groups/gpu.yaml': '# yaml-language-server: …\nos: debian-12\n',
      'inv/groups/empty.yaml': '',
      'inv/hosts/b.yaml': 'address: 10.0.0.2\ngroups: [web]\n',
      'inv/hosts/c[1:2].yaml': 'address: 10.0.1.[1:2]\n',
      'inv/hosts/README.md': 'What is written where.',
      'inv/hosts/.b.yaml.swp.yaml': 'half',
      'inv/secrets/x.yaml': 'whatever: lies elsewhere',
    });
    expect(Object.keys(hosts)).toEqual(['a', 'b', 'c1', 'c2']);
    expect(hosts['a']).toMatchObject({ os: 'debian-12', ssh: { user: 'ops' } });
    expect(hosts['c2']?.address).toBe('10.0.1.2');
    expect(groups).toEqual({ web: ['a', 'b'], gpu: ['a'], empty: [] });
    expect(source.file).toBe('inv');
  });

  it.each<[string, Record<string, string>, string]>([
    [
      'a host that is written twice',
      {
        'inv/all.yaml': `${ALL}hosts: { b: { address: 10.0.0.1 } }`,
        'inv/hosts/b.yaml': '# b\naddress: 10.0.0.2\n',
      },
      '[hosts/b.yaml:2:1] hosts.b: is written at all.yaml:4:10 already. Keep one of the two; what several hosts share belongs in a group.',
    ],
    [
      'a group that is written twice',
      { 'inv/all.yaml': `${ALL}hosts: { b: { address: 10.0.0.1 } }`, 'inv/groups/web.yaml': 'os: debian-12' },
      '[groups/web.yaml:1:1] groups.web: is written at all.yaml:3:11 already. Keep one of the two.',
    ],
    [
      'groups that differ',
      {
        'inv/all.yaml': ALL,
        'inv/groups/x.yaml': 'os: debian-12',
        'inv/groups/y.yaml': 'os: debian-13',
        'inv/hosts/b.yaml': 'address: 10.0.0.2\ngroups: [y, x]\n',
      },
      '[groups/x.yaml:1:5] hosts.b.os: the group "x" says something else here than the group "y" at groups/y.yaml:1:5. Say it for the host itself, or put one of the groups into the other ("groups: [y]" in "x"), which then wins.',
    ],
    [
      'mistakes, with their files',
      {
        'inv/all.yaml': ALL.replace('ops', '3'),
        'inv/groups/x.yaml': 'oss: debian-12',
        'inv/hosts/B.yaml': '',
        'inv/hosts/b.yaml': 'address: 10.0.0.2\nssh: { user: x, port: y }\ngroups: [x]\n',
      },
      `[all.yaml:2:26] defaults.ssh.user: 3 is a number, not text. Wanted: Account to log in as; root, or one that may become root.
[groups/x.yaml:1:1] groups.x.oss: unknown key "oss". Did you mean "os"?
[hosts/B.yaml:1:1] hosts.B: is nothing, not a map. Give a value that fits.
[hosts/B.yaml:1:1] hosts.B: the key "B" is not a host name. Rename it.
[hosts/b.yaml:2:23] hosts.b.ssh.port: "y" is text, not a number. Wanted: SSH port.`,
    ],
    [
      'a file that is no YAML',
      { 'inv/all.yaml': ALL, 'inv/hosts/b.yaml': 'a: 1\na: 2' },
      '[hosts/b.yaml:2:1] the key a stands twice in one map. Keep one of the two.',
    ],
    [
      'files that nothing would read',
      {
        'inv/hosts/rack1/a.yaml': '',
        'inv/hosts/b.yml': '',
        'inv/host/c.yaml': '',
        'inv/web.yaml': '',
      },
      `[inv/host] is read by nothing. Rename it: hosts.
[inv/hosts/b.yml] is read by nothing. Let its name end in .yaml.
[inv/hosts/rack1] is a folder. Move its files into hosts itself.
[inv/web.yaml] is read by nothing. Move it into hosts or groups, or put what it says into all.yaml.
[inv] is a folder without all.yaml. Name a file, or put what is not of one host into all.yaml.`,
    ],
    ['no host', { 'inv/all.yaml': ALL }, '[all.yaml:1:1] hosts: is missing. Add it: The hosts, by name.'],
  ])('refuses %s', (_name, files, message) => {
    expect(problemsOf(files)).toBe(message);
  });
});
