import { beforeAll, describe, expect, it } from 'vitest';
import { readIdentity } from '../../../../lib/engine/secrets/age/identity.js';
import { IDENTITY, person, told, world, type Person } from './support.js';

let anna: Person;
let ben: Person;
beforeAll(async () => {
  [anna, ben] = [await person(), await person()];
});

describe('an identity file', () => {
  it('stands at home, or where the environment says', async () => {
    const files = { [IDENTITY]: anna.identity, '/project/k': ben.identity, '/home/anna/k': ben.identity };
    expect(await readIdentity(world(files))).toEqual({
      shown: '~/.config/citadel-iac/identity.txt',
      keys: [anna.identity],
      recipients: [anna.recipient],
    });
    for (const [variable, recipient] of [
      ['', anna.recipient],
      ['k', ben.recipient],
      ['~/k', ben.recipient],
      ['/project/k', ben.recipient],
    ] as const) {
      const deps = { ...world(files), env: { CITADEL_AGE_IDENTITY_FILE: variable } };
      expect((await readIdentity(deps)).recipients).toEqual([recipient]);
    }
  });

  it('may hold several, and comments as age-keygen writes them', async () => {
    const text = `# created: today\n# public key: ${anna.recipient}\n${anna.identity}\r\n\n${ben.identity}\n`;
    expect((await readIdentity(world({ [IDENTITY]: text }))).recipients).toEqual([
      anna.recipient,
      ben.recipient,
    ]);
  });

  it('is refused as ssh refuses a key: when anybody else may read or write it', async () => {
    for (const [mode, shown] of [
      [0o644, '0644'],
      [0o640, '0640'],
      [0o604, '0604'],
      [0o620, '0620'],
    ] as const) {
      expect(await told(() => readIdentity(world({ [IDENTITY]: anna.identity }, mode)))).toBe(
        `[~/.config/citadel-iac/identity.txt] Your age identity file has mode ${shown}: others may read or change it. Run "chmod 600 ~/.config/citadel-iac/identity.txt"; if someone may have read it, replace it (docs/secrets.md).`,
      );
    }
    expect((await readIdentity(world({ [IDENTITY]: anna.identity }, 0o400))).keys).toHaveLength(1);
  });

  it('says how to come by one', async () => {
    expect(await told(() => readIdentity(world({})))).toBe(
      '[~/.config/citadel-iac/identity.txt] Your age identity file cannot be read: there is no such file. Put it there, name another one in CITADEL_AGE_IDENTITY_FILE, or make one with "citadel-iac secrets keygen".',
    );
    expect(await told(() => readIdentity(world({ [IDENTITY]: '# nothing\n' })))).toBe(
      '[~/.config/citadel-iac/identity.txt] Your age identity file holds no identity. Put the line that begins with AGE-SECRET-KEY- into it, or make another with "citadel-iac secrets keygen".',
    );
  });

  it('says which line is wrong, and nothing of what stands there', async () => {
    for (const bad of [
      anna.identity.slice(0, -1),
      `${anna.identity} # mine`,
      '-----BEGIN OPENSSH PRIVATE KEY-----',
      'AGE-PLUGIN-YUBIKEY-1QQQQ',
      anna.recipient,
    ]) {
      const words = await told(() => readIdentity(world({ [IDENTITY]: `# mine\n${bad}\n` })));
      expect(words).toBe(
        '[~/.config/citadel-iac/identity.txt] Line 2 of your age identity file is not an age identity. Keep lines that begin with AGE-SECRET-KEY- only; SSH keys, plugins and passphrases need the program age and a source "command".',
      );
    }
  });
});
