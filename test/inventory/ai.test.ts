import { describe, expect, it } from 'vitest';
import { parseInventory } from '../support/site.js';
import { CitadelError } from '../../lib/manifest/index.js';

/** An AI node whose `ai` has `more` in its first line, with one model that has `own` next to what it must have. */
function text({ more = '', own = '', end = '' }: { more?: string; own?: string; end?: string }): string {
  return `operator: { addresses: [10.0.0.0/8] }
hosts:
  ai-node:
    address: 10.0.0.1
    backup: {}
    ai:
      gpus: [{ memoryGiB: 80 }]
      ${more}
      models:
        phi3:
          { port: 11403, directory: phi, weightsGiB: 7, gpus: [0] }
        other:
          port: 11404
          directory: other
          weightsGiB: 7
          gpus: [0]
          ${own}
${end}`;
}

function problemsOf(parts: Parameters<typeof text>[0]): string {
  try {
    parseInventory(text(parts), 'citadel.yaml');
  } catch (error) {
    if (error instanceof CitadelError) return error.message;
    throw error;
  }
  return 'no problem';
}

const at = 'hosts.ai-node.ai';

/** One case per rule: what is written → the whole message. */
const REFUSED: readonly (readonly [name: string, parts: Parameters<typeof text>[0], message: string])[] = [
  [
    'weights of unknown size',
    { own: 'weightsGib: 7' },
    `[citadel.yaml:17:11] ${at}.models.other.weightsGib: unknown key "weightsGib". Did you mean "weightsGiB"?`,
  ],
  [
    'a first model that does not exist',
    { more: 'firstModel: phi4' },
    `[citadel.yaml:8:19] ${at}.firstModel: unknown model "phi4". Did you mean "phi3"?`,
  ],
  [
    'a conflict with an unknown model',
    { own: 'conflicts: [phi3, mixtral]' },
    `[citadel.yaml:17:29] ${at}.models.other.conflicts[1]: unknown model "mixtral". Use one of: other, phi3.`,
  ],
  [
    'a conflict with itself',
    { own: 'conflicts: [other]' },
    `[citadel.yaml:17:23] ${at}.models.other.conflicts[0]: a model cannot conflict with itself. Name the other one.`,
  ],
  [
    'a key that no secret holds',
    { own: 'apiKey: other_key', end: 'secrets: { other_kez: { env: KEY } }\n' },
    `[citadel.yaml:17:19] ${at}.models.other.apiKey: no secret is called "other_key". Did you mean "other_kez"?`,
  ],
  [
    'a source of weights without its revision',
    { own: 'weights: { from: hf://org/name }' },
    `[citadel.yaml:17:28] ${at}.models.other.weights.from: "hf://org/name" is not hf://ORGANISATION/NAME@REVISION. Wanted: hf://ORGANISATION/NAME@REVISION of the Hugging Face hub, https://HOST/FOLDER/, or dir:/FOLDER on the host.`,
  ],
  [
    'a source of weights that is none',
    { own: 'weights: { from: "ftp://example.net/phi/" }' },
    `[citadel.yaml:17:28] ${at}.models.other.weights.from: "ftp://example.net/phi/" is not a source of weights. Wanted: hf://ORGANISATION/NAME@REVISION of the Hugging Face hub, https://HOST/FOLDER/, or dir:/FOLDER on the host.`,
  ],
  [
    'a folder of weights that leads out of itself',
    { own: 'weights: { from: "dir:/srv/../etc" }' },
    `[citadel.yaml:17:28] ${at}.models.other.weights.from: "dir:/srv/../etc" is not dir: and an absolute path without "..". Wanted: hf://ORGANISATION/NAME@REVISION of the Hugging Face hub, https://HOST/FOLDER/, or dir:/FOLDER on the host.`,
  ],
  [
    'files of a web server that are not named one by one',
    { own: 'weights: { from: "https://example.net/phi/", include: ["*.safetensors"] }' },
    `[citadel.yaml:17:65] ${at}.models.other.weights.include: a web server does not say which files it has. List each file by its path, without * and ?.`,
  ],
  [
    'weights whose token no secret holds',
    { own: 'weights: { from: hf://org/name@main, token: hub }' },
    `[citadel.yaml:17:55] ${at}.models.other.weights.token: no secret is called "hub". Say under "secrets" where its value is found.`,
  ],
  [
    'a token for a folder',
    { own: 'weights: { from: "dir:/srv/phi", token: hub }', end: 'secrets: { hub: { env: HUB } }\n' },
    `[citadel.yaml:17:51] ${at}.models.other.weights.token: a folder asks for no token. Take it out.`,
  ],
  [
    'a token that would be sent to a mirror unencrypted',
    {
      more: 'huggingFaceEndpoint: http://mirror.example',
      own: 'weights: { from: hf://org/name@main, token: hub }',
      end: 'secrets: { hub: { env: HUB } }\n',
    },
    `[citadel.yaml:17:55] ${at}.models.other.weights.token: the token would go to http://mirror.example unencrypted. Name a mirror by an https URL, or take the token out.`,
  ],
  [
    'a token that no secret holds',
    { more: 'huggingFaceToken: hub' },
    `[citadel.yaml:8:25] ${at}.huggingFaceToken: no secret is called "hub". Say under "secrets" where its value is found.`,
  ],
  [
    'code that is trusted whatever it becomes',
    { own: 'trustRemoteCode: { reason: reviewed by two people, revision: main }' },
    `[citadel.yaml:17:72] ${at}.models.other.trustRemoteCode.revision: "main" is not a pinned revision: a commit of 40 hexadecimal digits. ` +
      'Wanted: Commit of that code that was reviewed, 40 hexadecimal digits.',
  ],
  [
    'a short flag',
    { own: 'flags: { extraArguments: [{ flag: -q }] }' },
    `[citadel.yaml:17:45] ${at}.models.other.flags.extraArguments[0].flag: "-q" is not a long flag such as --seed. Wanted: A flag of "vllm serve", in its long form.`,
  ],
  [
    'a limit for no kind of input',
    { own: 'flags: { limitMmPerPrompt: {} }' },
    `[citadel.yaml:17:38] ${at}.models.other.flags.limitMmPerPrompt: the map names no kind of input. Wanted: Inputs other than text that one request may have, by kind.`,
  ],
  [
    'requirements outside the project',
    { more: 'vllm: { requirements: /etc/x }' },
    `[citadel.yaml:8:29] ${at}.vllm.requirements: "/etc/x" is not a relative path. Wanted: Pinned requirements with hashes that the environment is made from; relative to the project.`,
  ],
];

describe('an AI node', () => {
  it.each(REFUSED)('with %s is refused', (_name, parts, message) => {
    expect(problemsOf(parts)).toBe(message);
  });

  it('without a phi3 must say which model comes first', () => {
    const without = text({}).replace(/phi3:/, 'zephyr:');
    expect(() => parseInventory(without, 'citadel.yaml')).toThrow(
      `[citadel.yaml:7:7] ${at}.firstModel: is missing, and there is no model "phi3". Use one of: other, zephyr.`,
    );
  });

  it('may say everything about a model', () => {
    const own = `apiKey: key
          conflicts: [phi3]
          probe: none
          loadTimeoutSec: 60
          flags:
            kvCacheDtype: fp8
            limitMmPerPrompt: { image: 2 }
            extraArguments: [{ flag: --seed, value: 7 }, { flag: --async-scheduling }]`;
    const { hosts } = parseInventory(text({ own, end: 'secrets: { key: { env: KEY } }\n' }), 'x');
    expect(hosts['ai-node']?.ai?.models['other']).toMatchObject({
      apiKey: 'key',
      conflicts: ['phi3'],
      probe: 'none',
      loadTimeoutSec: 60,
      flags: {
        kvCacheDtype: 'fp8',
        limitMmPerPrompt: { image: 2 },
        extraArguments: [{ flag: '--seed', value: 7 }, { flag: '--async-scheduling' }],
      },
    });
  });

  it('may say what vLLM of today takes, and secrets are looked for', () => {
    const own = `probe: embedding
          servedName: [other, text-embedding]
          maxModelLen: 32k
          shutdownTimeoutSec: 60
          environment: { VLLM_LOGGING_LEVEL: DEBUG, OMP_NUM_THREADS: 4, S3_SECRET: { secret: store } }
          flags:
            loraModules: { sql: sql-adapter }
            extraArguments: [{ flag: --allowed-media-domains, value: [a.example, b.example] }]`;
    const { hosts } = parseInventory(text({ own, end: 'secrets: { store: { env: KEY } }\n' }), 'x');
    expect(hosts['ai-node']?.ai?.models['other']).toMatchObject({
      probe: 'embedding',
      servedName: ['other', 'text-embedding'],
      maxModelLen: '32k',
      environment: { VLLM_LOGGING_LEVEL: 'DEBUG', OMP_NUM_THREADS: 4, S3_SECRET: { secret: 'store' } },
      flags: { loraModules: { sql: 'sql-adapter' } },
    });
    expect(() => parseInventory(text({ own }), 'x')).toThrow('no secret is called "store"');
    expect(() => parseInventory(text({ own: 'maxModelLen: lots' }), 'x')).toThrow(
      'is not a context length such as 32768, 32k or auto',
    );
    expect(() => parseInventory(text({ own: 'environment: { "a b": 1 }' }), 'x')).toThrow('environment');
  });

  it('has a backup plan when it says no more than that it wants one', () => {
    expect(parseInventory(text({}), 'x').hosts['ai-node']?.backup).toEqual({
      directory: '/mnt/citadel-backup',
      models: {
        daily: { schedule: '30 2 * * *', keep: 7 },
        weekly: { schedule: '0 6 * * 0', keep: 4 },
        monthly: { schedule: '0 10 1 * *', keep: 12 },
      },
      configs: { schedule: '*/15 * * * *', keep: 96 },
      verify: { schedule: '0 14 * * 6' },
      cleanup: { schedule: '0 1 * * *', olderThanDays: 30 },
      archive: { schedule: '0 22 2 * *', olderThanDays: 30 },
    });
  });
});
