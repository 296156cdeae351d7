import { chmodSync, existsSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { encrypt } from '../../../lib/engine/secrets/age/crypt.js';
import { anna, begin, ben, editor, folder, get, put, runtime, secrets, textFor } from './support.js';

describe('secrets edit', () => {
  it('begins a file: private, in memory, with what the inventory takes as comments', async () => {
    const look = `stat -c '%a %n' "$(dirname "$1")" "$1" >'${folder}/modes'; cp "$1" '${folder}/seen'; echo 'db_password: hunter2' >>"$1"`;
    const { code, printed } = await secrets('edit', { EDITOR: editor(look) });
    expect(printed).toEqual({
      out: '+ db_password\nsecrets.age was written, encrypted to 1 recipient. Commit it.\n',
      err: `secrets.age will be encrypted to:\n+ ${anna.recipient} (anna)\nStill missing for the inventory: The Token\n`,
    });
    expect(code).toBe(0);
    expect(get('modes')).toMatch(
      new RegExp(
        `^700 ${runtime}/citadel-iac-secrets-\\w+\n600 ${runtime}/citadel-iac-secrets-\\w+/secrets.yaml\n$`,
      ),
    );
    expect(get('seen')).toContain('# The inventory takes these from here:\n# db_password: \n# The Token: \n');
    expect(get('secrets.age')).toMatch(/^-----BEGIN AGE ENCRYPTED FILE-----\n/);
    expect(await textFor(anna)).toBe(`${get('seen')}db_password: hunter2\n`);
  });

  it('shows names of what changed, keeps comments and mode, and prefers VISUAL', async () => {
    await begin('# why\ndb_password: hunter2\nold: hunter2\nsame: x\n');
    chmodSync(join(folder, 'secrets.age'), 0o640);
    const script = `sed -i -e s/hunter2$/hunter3/ -e /^old/d "$1"; echo 'The Token: hunter2' >>"$1"`;
    const { printed } = await secrets('edit --json', { VISUAL: editor(script), EDITOR: 'false' });
    expect(printed.err).toBe('');
    expect(JSON.parse(printed.out)).toEqual({
      file: 'secrets.age',
      added: ['The Token'],
      changed: ['db_password'],
      removed: ['old'],
      missing: [],
    });
    expect(await textFor(anna)).toBe('# why\ndb_password: hunter3\nsame: x\nThe Token: hunter2\n');
    expect(statSync(join(folder, 'secrets.age')).mode & 0o777).toBe(0o640);
    expect(readdirSync(folder).filter((name) => name.startsWith('.'))).toEqual([]);
  });

  it('leaves the file as it is when nothing was changed, whatever the editor did with the file', async () => {
    await begin('db_password: hunter2\n');
    const before = get('secrets.age');
    put('secrets.recipients', `${anna.recipient}\n${ben.recipient}\n`);
    const touch = editor('cp "$1" "$1~"; mv "$1" "$1.swp"; mv "$1~" "$1"');
    expect(await secrets('edit', { EDITOR: touch }, { answer: true })).toMatchObject({
      code: 0,
      printed: {
        out: 'secrets.age was not changed. Its recipients have changed: run "citadel-iac secrets rekey".\n',
      },
    });
    expect(get('secrets.age')).toBe(before);
  });

  it('encrypts to no recipient that was added, unless a person says so', async () => {
    await begin('db_password: hunter2\n');
    const before = get('secrets.age');
    put('secrets.recipients', `# anna\n${anna.recipient}\n# ben\n${ben.recipient}\n`);
    const EDITOR = editor(`true >'${join(folder, 'opened')}'; sed -i s/hunter2/hunter3/ "$1"`);
    const alone = await secrets('edit', { EDITOR });
    expect(alone.code).toBe(1);
    expect(alone.printed.err).toContain(`+ ${ben.recipient} (ben)\n`);
    expect(alone.printed.err).toContain('run "citadel-iac secrets rekey"');
    expect((await secrets('edit', { EDITOR }, { answer: false })).code).toBe(1);
    // The question comes before the editor: a no must lose nothing that was typed.
    expect(existsSync(join(folder, 'opened'))).toBe(false);
    expect((await secrets('rekey')).code).toBe(1);
    expect((await secrets('rekey', {}, { answer: false })).code).toBe(1);
    expect(get('secrets.age')).toBe(before);
    const asked = await secrets('edit', { EDITOR }, { answer: true });
    expect(asked.questions).toEqual(['Encrypt all values of secrets.age to these recipients?']);
    expect(await textFor(ben)).toBe('db_password: hunter3\n');
  });

  it('refuses a broken text without repeating it, and keeps the old file', async () => {
    await begin('db_password: hunter2\n');
    const before = get('secrets.age');
    const breakIt = editor(`printf 'db_password: hunter9\\nhunter9\\n' >"$1"`);
    const refused = await secrets('edit', { EDITOR: breakIt });
    expect(refused).toMatchObject({ code: 1, printed: { out: '' } });
    expect(refused.printed.err).toBe(
      '[secrets.age:2] is not YAML here, or just above. Write "name: value" lines; quote what has special characters.\n',
    );
    const left = await secrets('edit', { EDITOR: breakIt }, { answer: false });
    expect(left.questions).toEqual(['secrets.age is as it was. Open the editor again?']);
    expect(left.printed.err).toMatch(
      /\[secrets.age\] was left as it was, and what you typed is gone. Run the command again, from the start.\n$/,
    );
    for (const [text, message] of [
      ['', '[secrets.age] gives no value to any name. Write "name: value" lines.\n'],
      ['hunter9:\n', '[secrets.age:1] gives a name no value. Give it one, or take the name out.\n'],
      [
        'a: \\377\n',
        '[secrets.age] the editor left no file of UTF-8 text: nothing was changed. Save the text where the editor found it, as UTF-8.\n',
      ],
    ] as const) {
      const { printed } = await secrets('edit', {
        EDITOR: editor(`printf '${text.replaceAll('\n', '\\n')}' >"$1"`),
      });
      expect(printed.err).toBe(message);
    }
    expect(get('secrets.age')).toBe(before);
  });

  it('opens the editor again on the broken text, when someone is there who wants that', async () => {
    await begin('db_password: hunter2\n');
    const script = `if grep -q '^- ' "$1"; then sed -i 's/^- //' "$1"; else sed -i 's/^/- /; s/2/3/' "$1"; fi`;
    const { code, printed } = await secrets('edit', { EDITOR: editor(script) }, { answer: true });
    expect(printed.err).toContain('[secrets.age:1] is no map of names to values.');
    expect(printed.out).toContain('~ db_password\n');
    expect(code).toBe(0);
    expect(await textFor(anna)).toBe('db_password: hunter3\n');
  });

  it('does not write over what someone else wrote meanwhile', async () => {
    await begin('db_password: hunter2\n');
    const { code, printed } = await secrets('edit', {
      EDITOR: editor(`echo 'b: hunter9' >>"$1"; echo theirs >'${folder}/secrets.age'`),
    });
    expect(printed.err).toBe(
      '[secrets.age] was changed by someone else meanwhile, so nothing was written. Run the command again, on what the file is now.\n',
    );
    expect(code).toBe(1);
    expect(get('secrets.age')).toBe('theirs\n');
  });

  it('says what keeps it from starting before the editor is opened', async () => {
    const EDITOR = editor(`touch '${folder}/opened'`);
    rmSync(join(folder, 'secrets.recipients'));
    expect((await secrets('edit', { EDITOR })).printed.err).toMatch(
      /^\[secrets\.recipients\] The recipients file of/,
    );
    put('secrets.recipients', `${anna.recipient}\n`);
    const none = { EDITOR, CITADEL_AGE_IDENTITY_FILE: '/no/such' };
    expect((await secrets('edit', none)).printed.err).toMatch(
      /^\[\/no\/such\] Your age identity file cannot be/,
    );
    chmodSync(join(folder, 'anna'), 0o644);
    expect((await secrets('edit', { EDITOR })).printed.err).toContain('has mode 0644');
    chmodSync(join(folder, 'anna'), 0o600);
    put('secrets.age', await encrypt('a: b\n', [ben.recipient]));
    expect((await secrets('edit', { EDITOR })).printed.err).toMatch(
      /^\[secrets\.age\] is not encrypted to you/,
    );
    expect(existsSync(join(folder, 'opened'))).toBe(false);
  });

  it.each([
    [
      'false',
      '[EDITOR] the editor "false" ended with status 1: nothing was changed. Run the command again.\n',
    ],
    [
      '/no/such/editor',
      '[EDITOR] the editor "/no/such/editor" cannot be started: ENOENT. Name one that is installed in VISUAL or EDITOR.\n',
    ],
    [
      "vi 'x",
      "[EDITOR] has a quote that does not end. Write it as you would on a command line, for example EDITOR='code --wait'.\n",
    ],
    ['sh -c "kill -TERM $$"', 'Nothing was changed.\n'],
  ])('tells of an editor that does not work: %s', async (EDITOR, message) => {
    const { code, printed } = await secrets('edit', { EDITOR });
    expect(printed).toEqual({
      out: '',
      err: expect.stringMatching(
        new RegExp('(^|\n)' + message.replaceAll(/[.[\]$]/g, '\\$&') + '$'),
      ) as string,
    });
    expect(code).toBe(message.startsWith('Nothing') ? 130 : 1);
    expect(existsSync(join(folder, 'secrets.age'))).toBe(false);
  });

  it('needs to know which file', async () => {
    const inventory = 'hosts: { alpha: { root: alpha } }\n';
    expect((await secrets('edit', {}, { inventory })).printed.err).toBe(
      '[inv.yaml] no secret comes from an age file. Say so under "secrets", for example "grafana_admin_password: { age: secrets.age }", or name a file.\n',
    );
    const two = `${inventory}secrets: { a: { age: a.age }, b: { age: b.age } }\n`;
    expect((await secrets('edit', {}, { inventory: two })).printed.err).toBe(
      '[inv.yaml] secrets come from 2 age files: a.age, b.age. Name one: "citadel-iac secrets edit a.age".\n',
    );
    put('b.recipients', anna.recipient);
    const done = await secrets('edit ./b.age', { EDITOR: editor('echo "b: c" >"$1"') }, { inventory: two });
    expect(done.printed.out).toContain('b.age was written');
  });
});
