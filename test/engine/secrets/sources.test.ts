import { describe, expect, it } from 'vitest';
import type { SecretDeps } from '../../../lib/engine/secrets/sources.js';
import { createSecretResolver } from '../../../lib/engine/secrets/sources.js';
import type { SecretSources } from '../../../lib/manifest/index.js';

function deps(overrides: Partial<SecretDeps> = {}): SecretDeps {
  return {
    env: {},
    home: '/home/anna',
    folder: '/project',
    readPrivate: () => Promise.reject(new Error('this test has no identity')),
    readFile: () => Promise.reject(Object.assign(new Error('no such file'), { code: 'ENOENT' })),
    run: () => Promise.resolve({ exitCode: 0, stdout: Buffer.from('out\n') }),
    ...overrides,
  };
}
const resolve = async (sources: SecretSources, name: string, overrides: Partial<SecretDeps> = {}) =>
  (await createSecretResolver(sources, deps(overrides)).resolve(name)).toString();

describe('createSecretResolver', () => {
  it('takes an environment variable as it is', async () => {
    expect(await resolve({ a: { env: 'A' } }, 'a', { env: { A: 'value\n' } })).toBe('value\n');
  });

  it('takes a file and a command less one final newline', async () => {
    const read: string[] = [];
    const readFile = (path: string) => {
      read.push(path);
      return Promise.resolve(Buffer.from('value\n\n'));
    };
    expect(await resolve({ a: { file: '~/a' } }, 'a', { readFile })).toBe('value\n');
    expect(await resolve({ a: { file: 'keys/a' } }, 'a', { readFile })).toBe('value\n');
    expect(read).toEqual(['/home/anna/a', '/project/keys/a']);
    expect(await resolve({ a: { command: ['pass', 'a'] } }, 'a')).toBe('out');
  });

  it('reads each source once', async () => {
    let runs = 0;
    const run = () => {
      runs += 1;
      return Promise.resolve({ exitCode: 0, stdout: Buffer.from('out') });
    };
    const resolver = createSecretResolver({ a: { command: ['x'] } }, deps({ run }));
    await Promise.all([resolver.resolve('a'), resolver.resolve('a')]);
    expect(runs).toBe(1);
  });

  it.each<[string, SecretSources, Partial<SecretDeps>, string]>([
    [
      'no source',
      {},
      {},
      '[secrets/a] Secret a has no source. Name one under "secrets" of the inventory: env, file, command or age.',
    ],
    [
      'an unset variable',
      { a: { env: 'A' } },
      {},
      '[secrets/a] Secret a is not there: the environment variable A is not set. Set A and run again.',
    ],
    [
      'an empty value',
      { a: { env: 'A' } },
      { env: { A: '' } },
      '[secrets/a] Secret a is empty (environment variable A). Give it a value.',
    ],
    [
      'a missing file',
      { a: { file: '/x' } },
      {},
      '[secrets/a] Secret a could not be read: file /x: ENOENT. Put it there, readable for you.',
    ],
    [
      'a command that fails',
      { a: { command: ['pass', 'show', 'a'] } },
      { run: () => Promise.resolve({ exitCode: 3, stdout: Buffer.from('half a secret') }) },
      '[secrets/a] Secret a could not be read: command pass ended with status 3. Run the command by hand to see why.',
    ],
    [
      'a command that cannot start',
      { a: { command: ['pass'] } },
      { run: () => Promise.reject(new Error('ENOENT')) },
      '[secrets/a] Secret a could not be read: command pass: ENOENT. Run the command by hand.',
    ],
  ])('says what to do about %s', async (_name, sources, overrides, message) => {
    await expect(resolve(sources, 'a', overrides)).rejects.toThrow(message);
  });

  it('runs a real command without a shell', async () => {
    const resolver = createSecretResolver({ a: { command: ['printf', '%s', '$HOME; `id`'] } });
    expect((await resolver.resolve('a')).toString()).toBe('$HOME; `id`');
    const missing = createSecretResolver({ a: { command: ['/no/such/program'] } });
    await expect(missing.resolve('a')).rejects.toThrow(/command \/no\/such\/program: ENOENT/);
  });
});
