import { beforeAll, describe, expect, it } from 'vitest';
import { parseRecipients, recipientsPath } from '../../../../lib/engine/secrets/age/recipients.js';
import { person, told, type Person } from './support.js';

let anna: Person;
let ben: Person;
beforeAll(async () => {
  [anna, ben] = [await person(), await person()];
});

describe('a recipients file', () => {
  it('stands next to its age file', () => {
    expect(recipientsPath('secrets.age')).toBe('secrets.recipients');
    expect(recipientsPath('~/x/secrets')).toBe('~/x/secrets.recipients');
  });

  it('lists each recipient once, in an order of its own', () => {
    const text = `# anna\r\n${anna.recipient}\r\n\n  # ben\n ${ben.recipient} \n${anna.recipient}`;
    expect(parseRecipients(text, 'r')).toEqual([anna.recipient, ben.recipient].sort());
  });

  it('must name someone', async () => {
    for (const text of ['', '# no one\n'])
      expect(await told(() => parseRecipients(text, 's.recipients'))).toBe(
        '[s.recipients] names no recipient. Write the recipients (age1…) of all who may read the secrets, one a line; "citadel-iac secrets keygen" makes one.',
      );
  });

  it('refuses what is no recipient, all at once, and never repeats an identity', async () => {
    const text = `anna\n${anna.recipient}x\n${ben.identity}\n${anna.recipient} # anna\nssh-ed25519 AAAA\n`;
    const words = await told(() => parseRecipients(text, 's.recipients'));
    const no = (line: number): string =>
      `[s.recipients:${line}] is not an age recipient. Write one recipient (age1…) a line, and who it is on a line of its own that begins with #.`;
    expect(words.split('\n')).toEqual([
      no(1),
      no(2),
      '[s.recipients:3] is an identity, the secret half of a key. Take it out, and out of git if it was committed; make a new one with "citadel-iac secrets keygen" and put its age1… here.',
      no(4),
      no(5),
    ]);
    expect(words).not.toContain(ben.identity);
  });
});
