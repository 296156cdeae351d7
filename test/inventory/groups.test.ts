import { describe, expect, it } from 'vitest';
import { parseInventory } from '../support/site.js';
import { CitadelError } from '../../lib/manifest/index.js';

const parse = (text: string) => parseInventory(text, 'citadel.yaml');

function problemsOf(text: string): string[] {
  try {
    parse(text);
  } catch (error) {
    if (error instanceof CitadelError) return error.message.split('\n');
    throw error;
  }
  return [];
}

describe('defaults and groups', () => {
  it('are settings of hosts: the host wins, then a group, then the groups that it is in, then the defaults', () => {
    const { hosts, groups } = parse(`
defaults:
  os: debian-12
  ssh: { user: ops, port: 1, timeouts: { readSec: 1, applySec: 1 } }
groups:
  linux: { ssh: { port: 2, timeouts: { readSec: 2 } } }
  web: { groups: [linux], ssh: { timeouts: { readSec: 3 } } }
  empty:
hosts:
  a: { address: 10.0.0.1 }
  b: { address: 10.0.0.2, groups: [web, linux] }
  c: { address: 10.0.0.3, groups: [web], os: debian-13, ssh: { port: 4 } }
`);
    const ssh = (port: number, readSec: number) => ({
      user: 'ops',
      port,
      hostKeys: [],
      timeouts: { readSec, applySec: 1 },
    });
    expect(hosts['a']?.ssh).toEqual(ssh(1, 1));
    expect(hosts['b']?.ssh).toEqual(ssh(2, 3));
    expect(hosts['c']).toMatchObject({ os: 'debian-13', ssh: ssh(4, 3) });
    expect(groups).toEqual({ linux: ['b', 'c'], web: ['b', 'c'], empty: [] });
  });

  it('have roles, like hosts', () => {
    const { hosts } = parse(`
defaults: { nodeExporter: { port: 9101 } }
operator: { addresses: [10.0.0.9] }
hosts: { a: { address: 10.0.0.1, ssh: { user: ops } } }
`);
    expect(hosts['a']?.nodeExporter?.port).toBe(9101);
  });

  it('that contradict each other are refused, with both places, for all hosts at once', () => {
    const text = (own: string): string => `groups:
  web:
    ssh: { port: 2222 }
  gpu:
    ssh: { port: 22 }
defaults: { ssh: { user: ops } }
hosts:
  a: { address: 10.0.0.1, groups: [web, gpu]${own} }
  b: { address: 10.0.0.2, groups: [web, gpu] }
`;
    expect(problemsOf(text(''))).toEqual([
      '[citadel.yaml:5:18] hosts.a.ssh.port: the group "gpu" says something else here than the group "web" at citadel.yaml:3:18 (and so for 1 other host). Say it for the host itself, or put one of the groups into the other ("groups: [web]" in "gpu"), which then wins.',
    ]);
    expect(problemsOf(text(', ssh: { port: 1 }'))).toEqual([
      '[citadel.yaml:5:18] hosts.b.ssh.port: the group "gpu" says something else here than the group "web" at citadel.yaml:3:18. Say it for the host itself, or put one of the groups into the other ("groups: [web]" in "gpu"), which then wins.',
    ]);
    expect(problemsOf(text('').replace('gpu:\n', 'gpu:\n    groups: [web]\n'))).toEqual([]);
    expect(problemsOf(text('').replace('port: 22 ', 'port: 2222 '))).toEqual([]);
  });

  it.each([
    [
      'a group that there is not',
      'groups: { web: {} }\nhosts: { a: { groups: [wep] } }',
      '[citadel.yaml:2:24] hosts.a.groups[0]: there is no group "wep". Did you mean "web"?',
    ],
    [
      'no group at all',
      'hosts: { a: { groups: [gpu] } }',
      '[citadel.yaml:1:24] hosts.a.groups[0]: there is no group "gpu". Add it under "groups" ("gpu: {}" is enough).',
    ],
    [
      'the name of the last run',
      'groups: { failed: {} }\nhosts: { a: {} }',
      '[citadel.yaml:1:11] groups.failed: "@failed" means how the last apply ended. Give the group another name.',
    ],
    [
      'a name that cannot be typed',
      'groups: { "a b": {} }\nhosts: { a: {} }',
      '[citadel.yaml:1:11] groups["a b"]: "a b" is not the name of a group. Use letters, digits, "-" and "_", at most 63, a letter or digit first.',
    ],
    [
      'a name that means something else to programs',
      'groups: { __proto__: {} }\nhosts: { a: {} }',
      '[citadel.yaml:1:11] groups.__proto__: "__proto__" is not the name of a group. Use letters, digits, "-" and "_", at most 63, a letter or digit first.\n[citadel.yaml:1:11] groups.__proto__: unknown key "__proto__". Remove it.',
    ],
    [
      'a list of groups that is none',
      'groups: { web: {} }\nhosts: { a: { groups: web } }',
      '[citadel.yaml:2:23] hosts.a.groups: "web" is text, not a list. Wanted: Groups that it is in, whose settings it has where it says nothing else itself.',
    ],
    [
      'groups in the defaults',
      'defaults: { groups: [web] }\ngroups: { web: {} }\nhosts: { a: {} }',
      '[citadel.yaml:1:13] defaults.groups: unknown key "groups"',
    ],
    [
      'defaults that are no map',
      'defaults: 3\nhosts: { a: {} }',
      '[citadel.yaml:1:11] defaults: 3 is a number, not a map. Wanted: Settings of every host that neither it nor a group of it says.',
    ],
    [
      'groups that are no map',
      'groups: [a]\nhosts: { a: {} }',
      '[citadel.yaml:1:9] groups: is a list, not a map. Wanted: Settings of the hosts that name the group, by its name; a group may be in groups itself.',
    ],
  ])('refuse %s', (_name, text, message) => {
    expect(problemsOf(text).join('\n')).toContain(message);
  });

  it('refuse a group that is in itself', () => {
    expect(
      problemsOf(`groups:
  a: { groups: [b], ssh: { port: 1 } }
  b: { groups: [a], ssh: { port: 2 } }
hosts: { h: { address: 10.0.0.1, groups: [a], ssh: { user: x } } }
`).filter((line) => line.includes('in itself')),
    ).toEqual([
      '[citadel.yaml:2:16] groups.a.groups: the group "a" is in itself, by way of "b". Take one of the two out of the other.',
      '[citadel.yaml:3:16] groups.b.groups: the group "b" is in itself, by way of "a". Take one of the two out of the other.',
    ]);
  });
});

describe('a mistake in settings that hosts share', () => {
  const hosts = 'hosts:\n  a: { address: 10.0.0.1 }\n  b: { address: 10.0.0.2 }\n';

  it('is told once, where it is written', () => {
    expect(problemsOf(`defaults:\n  ssh: { user: ops, prot: 1 }\n${hosts}`)).toEqual([
      '[citadel.yaml:2:21] defaults.ssh.prot: unknown key "prot". Did you mean "port"?',
    ]);
  });

  it('is told of a group that no host is in', () => {
    expect(problemsOf(`groups: { web: { os: debian-11, ssh: { port: 0 } } }\n${hosts}`)).toEqual([
      '[citadel.yaml:1:22] groups.web.os: "debian-11" is not one of the known values. Did you mean "debian-12"?',
      '[citadel.yaml:1:46] groups.web.ssh.port: 0 is below 1. Wanted: SSH port.',
    ]);
  });

  it('is none where the host says the rest', () => {
    expect(
      problemsOf(
        'defaults: { ssh: { port: 2222 } }\nhosts: { a: { address: 10.0.0.1, ssh: { user: ops } } }',
      ),
    ).toEqual([]);
  });

  it('that a rule between keys finds is told for the first host, at the line of the group', () => {
    expect(
      problemsOf(`groups:
  gpu:
    ai:
      gpus: [{ memoryGiB: 80 }]
      models:
        phi3: { port: 11403, directory: phi, weightsGiB: 7, gpus: [1], gpuMemoryUtilization: 0.5 }
operator: { addresses: [10.0.0.9] }
hosts:
  a: { address: 10.0.0.1, groups: [gpu] }
  b: { address: 10.0.0.2, groups: [gpu] }
  c: { address: 10.0.0.3, groups: [gpu] }
`),
    ).toEqual([
      '[citadel.yaml:6:68] hosts.a.ai.models.phi3.gpus[0]: the host has no GPU 1: it has 1, numbered from 0 (and so for 2 other hosts). Name one that it has, or add it to ai.gpus.',
    ]);
  });

  it('that is missing is told at the map that it is missing in', () => {
    expect(problemsOf('defaults: { ssh: { port: 1 } }\nhosts:\n  a: { address: 10.0.0.1 }')[0]).toBe(
      '[citadel.yaml:1:18] hosts.a.ssh.user: is missing. Add it: Account to log in as; root, or one that may become root.',
    );
  });
});

describe('a range of hosts', () => {
  it('is a host each, with an address each', () => {
    const { hosts, groups } = parse(`
defaults: { ssh: { user: ops } }
groups: { web: {} }
hosts:
  web[08:10]: { address: '10.0.0.[18:20]', groups: [web] }
  db-[a:b]: { address: 'db-[a:b].example' }
`);
    expect(Object.entries(hosts).map(([name, { address }]) => `${name} ${address ?? ''}`)).toEqual([
      'web08 10.0.0.18',
      'web09 10.0.0.19',
      'web10 10.0.0.20',
      'db-a db-a.example',
      'db-b db-b.example',
    ]);
    expect(groups).toEqual({ web: ['web08', 'web09', 'web10'] });
  });

  it.each([
    [
      'that is none',
      'hosts: { "web[2:1]": {} }',
      '[citadel.yaml:1:10] hosts["web[2:1]"]: "web[2:1]" is no range of names. Write the first and the last number or letter, as in web[01:12] or db[a:c]; at most 10000 hosts.',
    ],
    [
      'with too few addresses',
      'hosts: { "web[1:3]": { address: "10.0.0.[1:2]" } }',
      '[citadel.yaml:1:33] hosts["web[1:3]"].address: "10.0.0.[1:2]" is a range of 2, and the key stands for 3 hosts. Write the first and the last number or letter, as in web[01:12] or db[a:c]; at most 10000 hosts.',
    ],
    [
      'with one address for all',
      'hosts: { "web[1:3]": { address: 10.0.0.1, ssh: { user: x } } }',
      '[citadel.yaml:1:33] hosts.web2.address: 10.0.0.1 with SSH port 22 is the host "web1" already (and so for 1 other host). Correct one of the two; hosts that share an address need different values of ssh.port.',
    ],
    [
      'with a host that is there already',
      'hosts:\n  web2: {}\n  "web[1:3]": {}',
      '[citadel.yaml:3:3] hosts.web2: is written at citadel.yaml:2:3 already. Keep one of the two; what several hosts share belongs in a group.',
    ],
    [
      'with a mistake in it',
      'hosts:\n  "web[1:3]": { rot: 1 }',
      '[citadel.yaml:2:17] hosts.web1.rot: unknown key "rot" (and so for 2 other hosts). Did you mean "root"?',
    ],
  ])('%s is refused', (_name, text, message) => {
    expect(problemsOf(text).join('\n')).toContain(message);
  });
});
