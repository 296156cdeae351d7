import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect } from 'vitest';
import { run } from '../../../lib/cli/run.js';
import { decrypt } from '../../../lib/engine/secrets/age/crypt.js';
import { readMark } from '../../../lib/engine/secrets/age/mark.js';
import type { HostManifest } from '../../../lib/manifest/index.js';
import { person, type Person } from '../../engine/secrets/age/support.js';
import { shellDouble, type ShellDouble, type ShellScript } from '../doubles.js';

export const INVENTORY = `hosts:
  alpha: { root: alpha }
  beta: { root: beta }
secrets:
  db_password: { age: secrets.age }
  token: { age: ./secrets.age, key: The Token }
  plain: { env: PLAIN }
  idle: { command: [/no/such/program] }
`;
export const file = (secret: string): HostManifest['files'] => ({
  [`/etc/${secret}`]: { secret, owner: 'root', group: 'root', mode: '0600' },
});
const app = {
  buildHosts: (): HostManifest[] => [
    { version: 1, host: 'alpha', files: { ...file('db_password'), ...file('plain') } },
    { version: 1, host: 'beta', files: { ...file('db_password'), ...file('token') } },
  ],
};

const ANNA = { identity: '', recipient: '' } as Person;
export let anna = ANNA;
export let ben = ANNA;
export let folder: string;
export let runtime: string;

// Importers see what the variables are when a test runs.
beforeEach(async () => {
  [anna, ben] = [await person(), await person()];
  folder = mkdtempSync(join(tmpdir(), 'citadel-secrets-'));
  runtime = mkdtempSync('/dev/shm/citadel-secrets-');
  put('anna', `${anna.identity}\n`, 0o600);
  put('ben', `${ben.identity}\n`, 0o600);
  put('secrets.recipients', `# anna\n${anna.recipient}\n`);
});
afterEach(() => {
  // However a command ended: nothing that it decrypted is left.
  expect(readdirSync(runtime)).toEqual([]);
  for (const path of [folder, runtime]) rmSync(path, { recursive: true, force: true });
});

export function put(name: string, text: string, mode = 0o644): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  chmodSync(path, mode);
  return path;
}
export const get = (name: string): string => readFileSync(join(folder, name), 'utf8');

/** An editor: a shell script whose `$1` is the file. The quotes in the variable are part of what is tested. */
export const editor = (script: string): string => `sh "${put('my editor', script)}"`;

export async function secrets(
  words: string,
  env: Record<string, string> = {},
  more: ShellScript = {},
): Promise<ShellDouble & { code: number }> {
  const shell = shellDouble({
    cwd: folder,
    inventory: INVENTORY,
    app,
    ...more,
    env: {
      PATH: process.env['PATH'] ?? '',
      XDG_RUNTIME_DIR: runtime,
      CITADEL_AGE_IDENTITY_FILE: join(folder, 'anna'),
      ...env,
    },
  });
  const code = await run(['secrets', ...words.split(' ')], shell, '1.2.3');
  return { ...shell, code };
}

export const textFor = async ({ identity }: Person): Promise<string> =>
  readMark(await decrypt(Buffer.from(get('secrets.age')), [identity])).text;

export const begin = (text: string) => secrets('edit', { EDITOR: editor(`cat >"$1" <<'END'\n${text}END\n`) });
