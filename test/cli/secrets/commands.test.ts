import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { encrypt } from '../../../lib/engine/secrets/age/crypt.js';
import { INVENTORY, anna, begin, ben, editor, file, folder, get, put, secrets, textFor } from './support.js';

describe('secrets rekey', () => {
  it('lets a colleague in, and then out again', async () => {
    await begin('db_password: hunter2\nThe Token: t\n');
    put('secrets.recipients', `${anna.recipient}\n${ben.recipient}\n`);
    expect(await secrets('rekey --yes')).toMatchObject({
      code: 0,
      printed: { out: `+ ${ben.recipient}\nsecrets.age was encrypted again. Commit it.\n` },
    });
    expect(await textFor(ben)).toBe('db_password: hunter2\nThe Token: t\n');
    const same = get('secrets.age');
    expect((await secrets('rekey --yes')).printed.out).toBe(
      'secrets.age is encrypted to its recipients already.\n',
    );
    expect(get('secrets.age')).toBe(same);

    put('secrets.recipients', `${anna.recipient}\n`);
    expect((await secrets('rekey --yes')).printed.out).toBe(
      `- ${ben.recipient}\nsecrets.age was encrypted again. Commit it.\nWhoever was taken out has read these, and can read them in git for good. Give new values to: db_password, The Token (2 values).\n`,
    );
    await expect(textFor(ben)).rejects.toThrow();
    expect(await textFor(anna)).toBe('db_password: hunter2\nThe Token: t\n');
  });

  it('takes over a file that the program age wrote', async () => {
    put('secrets.age', await encrypt('db_password: hunter2\n', [anna.recipient]));
    const { printed } = await secrets('rekey --json --yes');
    expect(JSON.parse(printed.out)).toEqual({
      files: [{ file: 'secrets.age', written: true, added: [anna.recipient], removed: [], known: [] }],
    });
  });

  it('does not lock out who runs it, and leaves the file as it was', async () => {
    await begin('db_password: hunter2\n');
    const before = get('secrets.age');
    put('secrets.recipients', `${ben.recipient}\n`);
    const { code, printed } = await secrets('rekey --yes');
    expect(code).toBe(1);
    expect(printed.err).toContain('You are not among the recipients of secrets.age');
    expect(get('secrets.age')).toBe(before);
  });
});

describe('secrets check', () => {
  it('finds everything in order', async () => {
    await begin('db_password: hunter2\nThe Token: hunter3\n');
    const { code, printed } = await secrets('check', { PLAIN: 'hunter4' });
    expect(printed).toEqual({
      out: `identity
  ✓ identity: ${folder}/anna, recipient ${anna.recipient}

secrets.age
  ✓ content: you can open it; 2 values
  ✓ recipients: 1 recipient, as secrets.recipients says

secrets
  ✓ db_password: age file secrets.age; needed by alpha, beta
  - idle: command /no/such/program; no host needs it, so it was not asked for
  ✓ plain: environment variable PLAIN; needed by alpha
  ✓ token: age file ./secrets.age; needed by beta
`,
      err: '',
    });
    expect(code).toBe(0);
  });

  it('names what is missing, stale or of no use, and no value', async () => {
    await begin('db_password: hunter2\nnobodys: hunter2\n');
    put('secrets.recipients', `${ben.recipient}\n`);
    const { code, printed } = await secrets('check');
    expect(code).toBe(1);
    expect(printed.out).not.toContain('hunter2');
    for (const line of [
      '  ! content: the inventory takes nothing by the name of nobodys\n      → Take what',
      `  ✗ recipients: you are not in secrets.recipients: after the next rekey you could not read secrets.age\n      → Add ${anna.recipient}\n`,
      `  ✗ recipients: not encrypted to ${ben.recipient}; still encrypted to ${anna.recipient}, unlike secrets.recipients\n      → Run "citadel-iac secrets rekey"\n`,
      '  ✗ plain: Secret plain is not there: the environment variable PLAIN is not set\n      → Set PLAIN and run again\n',
      '  ✗ token: Secret token is not in age file ./secrets.age as "The Token"\n      → Add it with "citadel-iac secrets edit"\n',
    ])
      expect(printed.out).toContain(line);
  });

  it('asks only for what the chosen hosts need, and answers a program', async () => {
    await begin('db_password: hunter2\nThe Token: hunter3\n');
    const { code, printed } = await secrets('check beta --json');
    const found = JSON.parse(printed.out) as {
      ok: boolean;
      secrets: { checks: { name: string }[]; uses: object };
    };
    expect(found.ok).toBe(true);
    expect(found.secrets.uses).toEqual({ db_password: { hosts: ['beta'] }, token: { hosts: ['beta'] } });
    expect(found.secrets.checks.map(({ name }) => name)).toEqual(['db_password', 'token']);
    expect(code).toBe(0);
  });

  it('tells of a secret without a source, and of files that another program wrote', async () => {
    put('secrets.age', await encrypt('db_password: a\nThe Token: b\n', [anna.recipient]));
    const { code, printed } = await secrets(
      'check gamma',
      {},
      {
        inventory: INVENTORY.replace('beta:', 'gamma:'),
        app: { buildHosts: () => [{ version: 1, host: 'gamma', files: file('nowhere') }] },
      },
    );
    expect(printed.out).toContain('  ✗ nowhere: Secret nowhere has no source\n');
    expect(printed.out).toContain('  ! recipients: another program wrote the file: it does not say whom');
    expect(code).toBe(1);
  });

  it('works without any age file', async () => {
    const inventory = 'hosts: { alpha: { root: alpha } }\n';
    const more = { inventory, app: { buildHosts: () => [{ version: 1 as const, host: 'alpha' }] } };
    expect((await secrets('check', {}, more)).printed.out).toBe('There are no secrets.\n');
    expect((await secrets('list', {}, more)).printed.out).toBe('There are no secrets.\n');
  });
});

describe('secrets list', () => {
  it('says where values come from and who needs them, and asks no source', async () => {
    const { code, printed } = await secrets('list');
    expect(printed.out).toBe(
      [
        'secret       from                        needed by',
        'db_password  age file secrets.age        alpha, beta',
        'idle         command /no/such/program    no one',
        'plain        environment variable PLAIN  alpha',
        'token        age file ./secrets.age      beta',
        '',
      ].join('\n'),
    );
    expect(code).toBe(0);
    expect(JSON.parse((await secrets('list alpha --json')).printed.out)).toEqual({
      secrets: {
        db_password: { source: { age: 'secrets.age' }, hosts: ['alpha'] },
        plain: { source: { env: 'PLAIN' }, hosts: ['alpha'] },
      },
    });
  });
});

describe('secrets keygen', () => {
  it('makes an identity for its owner alone, prints its public half, and never replaces one', async () => {
    const CITADEL_AGE_IDENTITY_FILE = join(folder, 'new/folder/identity.txt');
    const { code, printed } = await secrets('keygen', { CITADEL_AGE_IDENTITY_FILE });
    expect(code).toBe(0);
    const made = readFileSync(CITADEL_AGE_IDENTITY_FILE, 'utf8');
    expect(statSync(CITADEL_AGE_IDENTITY_FILE).mode & 0o777).toBe(0o600);
    expect(statSync(join(folder, 'new/folder')).mode & 0o777).toBe(0o700);
    expect(printed.out).toMatch(/^age1[a-z0-9]{58}\n$/);
    expect(made).toBe(
      `# created: 2023-11-14T22:13:20.000Z\n# recipient: ${printed.out}${made.split('\n').at(-2)}\n`,
    );
    expect(printed.err + printed.out).not.toContain('AGE-SECRET-KEY');
    const recipient = printed.out.trim();
    put('secrets.recipients', printed.out);
    expect(
      (await secrets('edit', { CITADEL_AGE_IDENTITY_FILE, EDITOR: editor('echo "a: b" >"$1"') })).code,
    ).toBe(0);

    const again = await secrets('keygen', { CITADEL_AGE_IDENTITY_FILE });
    expect(again.code).toBe(1);
    expect(again.printed.out).toBe('');
    expect(again.printed.err).toBe(
      `[${CITADEL_AGE_IDENTITY_FILE}] You have an identity already; its recipient is ${recipient}. ` +
        `Add that to the recipients file, if it is not in it: echo ${recipient} >> secrets.recipients. ` +
        'Move the identity away only when nothing is encrypted to it any more.\n',
    );
    expect(readFileSync(CITADEL_AGE_IDENTITY_FILE, 'utf8')).toBe(made);
  });

  it('leaves a file alone that is no identity, and says what is wrong with it', async () => {
    const CITADEL_AGE_IDENTITY_FILE = put('nothing', '# none\n', 0o600);
    const { code, printed } = await secrets('keygen', { CITADEL_AGE_IDENTITY_FILE });
    expect([code, printed.out, get('nothing')]).toEqual([1, '', '# none\n']);
    expect(printed.err).toContain(
      'There is an identity file already, and it was left as it is. Your age identity file holds no identity.',
    );
    expect(printed.err).toContain('Before you make another, move this one away.');
  });

  it('adds a person to the recipients as the documentation says, and takes no one out', () => {
    const page = readFileSync(join(import.meta.dirname, '../../../docs/secrets.md'), 'utf8');
    const lines = page.split('\n').filter((line) => line.includes('> secrets.recipients'));
    expect(lines).toHaveLength(1);
    // One ">" empties the file before the program runs, also when it is refused.
    expect(lines[0]).toMatch(/keygen >> secrets\.recipients /);
  });
});
