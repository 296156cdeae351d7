import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { parseTargets } from '../../lib/inventory/index.js';
import { parseInventory } from '../support/site.js';
import { CitadelError } from '../../lib/manifest/index.js';

const HOST = 'hosts:\n  box: { root: /srv/box }\n';
const AI = (model: string): string => `operator: { addresses: [10.0.0.0/8] }
hosts:
  ai-node:
    address: 10.0.0.1
    ai:
      gpus: [{ memoryGiB: 80 }]
      models:
        phi3: ${model}
`;
const PHI3 = '{ port: 11403, directory: phi, weightsGiB: 7, gpus: [0], gpuMemoryUtilization: 0.5 }';

function problemsOf(text: string, parse: (text: string, file: string) => unknown = parseInventory): string {
  try {
    parse(text, 'citadel.yaml');
  } catch (error) {
    if (error instanceof CitadelError) return error.message;
    throw error;
  }
  return 'no problem';
}

describe('an inventory that is well', () => {
  it('has its defaults filled in', () => {
    const { hosts, operator, secrets, thresholds } = parseInventory(AI(PHI3), 'citadel.yaml');
    expect(hosts['ai-node']).toEqual({
      address: '10.0.0.1',
      nodeExporter: { port: 9100 },
      journal: { maxUseGiB: 2 },
      mounts: {},
      ai: {
        account: 'agent0',
        gpus: [{ memoryGiB: 80 }],
        huggingFaceEndpoint: 'https://huggingface.co',
        lan: {
          idleTimeoutSec: 600,
          keys: {},
          maxBodyMiB: 64,
          maxQueued: 512,
          maxRequests: 512,
          paths: ['/v1/'],
        },
        environment: '/opt/citadel/vllm-env',
        modelsDirectory: '/mnt/citadel-models/active',
        models: {
          phi3: {
            port: 11403,
            directory: 'phi',
            weightsGiB: 7,
            gpus: [0],
            gpuMemoryUtilization: 0.5,
            flags: { extraArguments: [] },
            start: 'boot',
            conflicts: [],
            probe: 'completion',
          },
        },
        firstModel: 'phi3',
      },
    });
    expect(operator).toEqual({ addresses: ['10.0.0.0/8'] });
    expect(secrets).toEqual({});
    expect(thresholds.diskPercent).toEqual({ warning: 80, critical: 90 });
  });

  it('may use anchors, aliases and merge keys', () => {
    const text = `hosts:
  a: &way
    address: 10.0.0.1
    ssh: &login { user: agent0, port: 2222 }
  b: { <<: *way, address: 10.0.0.2 }
  c: { address: 10.0.0.3, ssh: *login }
`;
    const { hosts } = parseInventory(text, 'citadel.yaml');
    expect(hosts['b']).toMatchObject({ address: '10.0.0.2', ssh: { user: 'agent0', port: 2222 } });
    expect(hosts['c']).toMatchObject({ address: '10.0.0.3', ssh: { user: 'agent0', port: 2222 } });
  });

  it('names secrets by their sources', () => {
    const text = `${HOST}secrets: { a: { env: A }, b: { file: ~/b }, c: { command: [pass, c] }, d: { age: s.age, key: D } }\n`;
    expect(parseInventory(text, 'x').secrets).toEqual({
      a: { env: 'A' },
      b: { file: '~/b' },
      c: { command: ['pass', 'c'] },
      d: { age: 's.age', key: 'D' },
    });
  });
});

/** One case per code and wording: what is written → the whole message. */
const REFUSED: readonly (readonly [name: string, text: string, message: string])[] = [
  ['nothing at all', '', '[citadel.yaml:1:1] hosts: is missing. Add it: The hosts, by name.'],
  ['a list', '[]', '[citadel.yaml:1:1] is a list, not a map. Give a value that fits.'],
  ['no host', 'hosts: {}', '[citadel.yaml:1:8] hosts: the map names no host. Wanted: The hosts, by name.'],
  [
    'text that is not YAML',
    'hosts: [\n',
    '[citadel.yaml:2:1] not YAML: Flow sequence in block collection must be sufficiently indented and end with a ]. Correct it here or just above.',
  ],
  [
    'an unknown tag',
    'hosts: !include x\n',
    '[citadel.yaml:1:8] not YAML: Unresolved tag: !include. Correct it here or just above.',
  ],
  [
    'a key twice',
    `${HOST}operator: { addresses: [] }\noperator: { addresses: [] }\n`,
    '[citadel.yaml:4:1] the key operator stands twice in one map. Keep one of the two.',
  ],
  [
    'two documents',
    `${HOST}---\n${HOST}`,
    '[citadel.yaml:3:1] a second document starts here. Keep one document per file.',
  ],
  [
    'an alias without an anchor',
    'hosts:\n  box: *nothing\n',
    '[citadel.yaml:2:8] the alias *nothing has no anchor before it. Write &nothing where the value first stands, or write the value out.',
  ],
  [
    'an alias inside its own anchor',
    'hosts: &all\n  box: { ssh: *all }\n',
    '[citadel.yaml:2:15] the alias *all stands inside what &all names. Write the value out.',
  ],
  [
    'too many aliases',
    `a: &a [1]\nb: &b [${'*a, '.repeat(20)}]\nc: [${'*b, '.repeat(20)}]\n`,
    '[citadel.yaml] not YAML: Excessive alias count indicates a resource exhaustion attack. Use fewer aliases (*name).',
  ],
  [
    'an unknown key near a known one',
    'hosts:\n  box: { root: /srv/box, adress: 10.0.0.1 }\n',
    '[citadel.yaml:2:26] hosts.box.adress: unknown key "adress". Did you mean "address"?',
  ],
  [
    'an unknown key near nothing',
    `${HOST}operator: { addresses: [], colour: blue }\n`,
    '[citadel.yaml:3:28] operator.colour: unknown key "colour". Remove it, or use one of: addresses.',
  ],
  [
    'a key that schemas pass over',
    'hosts:\n  box: { root: /srv/box }\n  __proto__: {}\n',
    '[citadel.yaml:3:3] hosts.__proto__: unknown key "__proto__". Remove it.',
  ],
  [
    'a host name that is none',
    'hosts:\n  Big_Box: { root: /srv/box }\n',
    '[citadel.yaml:2:3] hosts.Big_Box: the key "Big_Box" is not a host name. Rename it.',
  ],
  [
    'a missing value',
    'hosts:\n  box: { address: 10.0.0.1, ssh: { port: 22 } }\n',
    '[citadel.yaml:2:34] hosts.box.ssh.user: is missing. Add it: Account to log in as; root, or one that may become root.',
  ],
  [
    'a value of another type',
    'hosts:\n  box: { address: 10.0.0.1, ssh: { user: agent0, port: "22" } }\n',
    '[citadel.yaml:2:56] hosts.box.ssh.port: "22" is text, not a number. Wanted: SSH port.',
  ],
  [
    'a fraction in place of a whole number',
    AI('{ port: 11403.5, directory: phi, weightsGiB: 7, gpus: [0], gpuMemoryUtilization: 0.5 }'),
    '[citadel.yaml:8:23] hosts.ai-node.ai.models.phi3.port: 11403.5 is a fraction, not a whole number. Wanted: TCP port of the model’s HTTP API.',
  ],
  [
    'a number out of range',
    AI('{ port: 11403, directory: phi, weightsGiB: 7, gpus: [0], gpuMemoryUtilization: 1.5 }'),
    '[citadel.yaml:8:94] hosts.ai-node.ai.models.phi3.gpuMemoryUtilization: 1.5 is above 1. Wanted: Share of each GPU’s memory it may take, above 0 and at most 1; needed where a GPU is shared.',
  ],
  [
    'an empty list',
    AI('{ port: 11403, directory: phi, weightsGiB: 7, gpus: [], gpuMemoryUtilization: 0.5 }'),
    '[citadel.yaml:8:67] hosts.ai-node.ai.models.phi3.gpus: the list is empty. Wanted: Numbers of the GPUs it runs on, counted from 0 in the order of ai.gpus.',
  ],
  [
    'a word that is none of the known',
    AI('{ port: 11403, directory: phi, weightsGiB: 7, gpus: [0], gpuMemoryUtilization: 0.5, start: never }'),
    '[citadel.yaml:8:106] hosts.ai-node.ai.models.phi3.start: "never" is not one of the known values. Use one of: boot, manual.',
  ],
  [
    'a GPU that the host does not have',
    AI('{ port: 11403, directory: phi, weightsGiB: 7, gpus: [0, 2], gpuMemoryUtilization: 0.5 }'),
    '[citadel.yaml:8:71] hosts.ai-node.ai.models.phi3.gpus[1]: the host has no GPU 2: it has 1, numbered from 0. Name one that it has, or add it to ai.gpus.',
  ],
  [
    'a pin that is no fingerprint',
    'hosts:\n  box: { address: 10.0.0.1, ssh: { user: agent0, hostKeys: [abc] } }\n',
    '[citadel.yaml:2:61] hosts.box.ssh.hostKeys[0]: "abc" is not a fingerprint as "ssh-keygen -lf" prints it (SHA256:…), an authority (@cert-authority [NAME] SHA256:…) or known_hosts. Wanted: Pinned host keys (SHA256:…, or ssh-rsa SHA256:… for a host that is to show that type) or authorities (@cert-authority [NAME] SHA256:…); several during a rotation. Empty: connecting is refused until one is pinned.',
  ],
  [
    'a mount point that is relative',
    'hosts:\n  box: { root: /srv/box, mounts: { mnt: { device: /dev/sda1, type: ext4 } } }\n',
    '[citadel.yaml:2:36] hosts.box.mounts.mnt: the key "mnt" is not absolute. Rename it.',
  ],
  [
    'a time that cron does not know',
    'hosts:\n  box: { root: /srv/box, backup: { models: { daily: { schedule: 0 25 * * * } } } }\n',
    '[citadel.yaml:2:65] hosts.box.backup.models.daily.schedule: "0 25 * * *" has "25" for the hour (allowed: 0 to 23, *, ranges, lists, steps). Wanted: When it runs, five fields as crontab(5), in the host’s time zone.',
  ],
  [
    'a network that is none',
    `${HOST}operator: { addresses: [office] }\n`,
    '[citadel.yaml:3:25] operator.addresses[0]: "office" is not an IP address or a network such as 192.168.10.0/24. Wanted: Addresses or networks that may use SSH and the web interfaces.',
  ],
  [
    'two ways to one host',
    'hosts:\n  box: { root: /srv/box, address: 10.0.0.1, ssh: { user: agent0 } }\n',
    '[citadel.yaml:2:10] hosts.box: has both "ssh" and "root". Keep "ssh" for a running machine, or "root" for a directory.',
  ],
  [
    'ssh without an address',
    'hosts:\n  box: { ssh: { user: agent0 } }\n',
    '[citadel.yaml:2:3] hosts.box.address: is missing, and "ssh" needs it. Add it: IP address or name that the operator and the other hosts reach it at.',
  ],
  [
    'a role without operators',
    'hosts:\n  box: { address: 10.0.0.1, monitoring: {} }\n',
    '[citadel.yaml:1:1] operator.addresses: no one may reach the hosts: the firewall would shut the operator out. Add it: the addresses or networks people work from.',
  ],
];

describe('an inventory that is not well', () => {
  it.each(REFUSED)('says what is wrong with %s', (_name, text, message) => {
    expect(problemsOf(text)).toBe(message);
  });

  it('lists all problems at once, by line', () => {
    const text = `hosts:
  box:
    adress: 10.0.0.1
    ssh: { user: 7 }
    mounts:
      rel: { device: sda, type: ext4 }
  Other: { rot: /x }
`;
    expect(
      problemsOf(text)
        .split('\n')
        .map((line) => /^\[(.*?)\] (.*?):/.exec(line)?.slice(1).join(' ')),
    ).toEqual([
      'citadel.yaml:2:3 hosts.box.address',
      'citadel.yaml:3:5 hosts.box.adress',
      'citadel.yaml:4:18 hosts.box.ssh.user',
      'citadel.yaml:6:7 hosts.box.mounts.rel',
      'citadel.yaml:6:22 hosts.box.mounts.rel.device',
      'citadel.yaml:7:3 hosts.Other',
      'citadel.yaml:7:12 hosts.Other.rot',
    ]);
  });

  it('never repeats a value that stands where a secret is named', () => {
    const text = `${HOST}secrets:\n  a: hunter2\n  b: { env: hunter2-x }\n  c: { value: hunter2 }\n  d: [hunter2]\n`;
    const message = problemsOf(text);
    expect(message).not.toContain('hunter2');
    expect(message.split('\n')).toHaveLength(4);
    expect(message).toContain(
      '[citadel.yaml:4:6] secrets.a: is not the source of a secret. Name exactly one source: { env: VARIABLE }, { file: PATH }, { command: [program, argument…] } or { age: FILE }. A value itself never stands here.',
    );
  });
});

describe('a targets file', () => {
  it('is JSON by host', () => {
    expect(parseTargets('{"box": {"address": "10.0.0.1", "hostKeys": []}}', 'lab.json')).toEqual({
      box: { address: '10.0.0.1', hostKeys: [] },
    });
  });

  it('is checked like the inventory', () => {
    expect(problemsOf('{"box": {"adress": "10.0.0.1"}}', parseTargets)).toBe(
      '[citadel.yaml:1:10] box.adress: unknown key "adress". Did you mean "address"?',
    );
  });
});

/** Text near to an inventory: its own words and signs in any order, and any text at all. */
const nearlyYaml = fc
  .array(
    fc.oneof(
      {
        weight: 5,
        arbitrary: fc.constantFrom(
          'hosts:',
          'ai-node:',
          'ssh:',
          'ai:',
          'models:',
          'secrets:',
          'gpus:',
          'operator:',
        ),
      },
      {
        weight: 5,
        arbitrary: fc.constantFrom('\n', '\n  ', '\n    ', ' ', '- ', '{', '}', '[', ']', ',', ': ', '? '),
      },
      {
        weight: 2,
        arbitrary: fc.constantFrom(
          '&a ',
          '*a',
          '<<: ',
          '!!set ',
          '!x ',
          '"',
          "'",
          '|',
          '>',
          '%',
          '#',
          '---\n',
          '\t',
          '\0',
        ),
      },
      { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 8 }) },
      {
        weight: 1,
        arbitrary: fc.constantFrom(
          '__proto__:',
          'constructor:',
          'toString',
          '1e999',
          '.nan',
          '0x10',
          'null',
          '~',
        ),
      },
    ),
    { maxLength: 40 },
  )
  .map((parts) => parts.join(''));

describe('any text', () => {
  it('is an inventory or a CitadelError, and nothing else', () => {
    fc.assert(
      fc.property(nearlyYaml, (text) => {
        for (const parse of [parseInventory, parseTargets]) {
          try {
            parse(text, 'x.yaml');
          } catch (error) {
            if (!(error instanceof CitadelError)) throw error;
            expect(error.problems.length).toBeGreaterThan(0);
            for (const problem of error.problems) expect(problem.path).toMatch(/^x\.yaml(:\d+:\d+)?$/);
          }
        }
      }),
      { numRuns: 1000 },
    );
  });

  it('that is nested ten thousand deep is refused in words', () => {
    expect(problemsOf('['.repeat(10_000))).toMatch(/^\[citadel\.yaml(:\d+:\d+)?\] not YAML/);
    expect(problemsOf('{a: '.repeat(10_000))).toMatch(/^\[citadel\.yaml(:\d+:\d+)?\] not YAML/);
  });
});
