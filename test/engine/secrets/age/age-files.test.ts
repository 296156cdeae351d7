import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { AgeFiles } from '../../../../lib/engine/secrets/age/age-files.js';
import { decrypt, encrypt } from '../../../../lib/engine/secrets/age/crypt.js';
import { resolveSecrets } from '../../../../lib/engine/secrets/resolver.js';
import { createSecretResolver } from '../../../../lib/engine/secrets/sources.js';
import type { SecretSources } from '../../../../lib/manifest/index.js';
import { IDENTITY, person, told, world, type Person } from './support.js';

let anna: Person;
let ben: Person;
beforeAll(async () => {
  [anna, ben] = [await person(), await person()];
});

/** Anna's world, with a file that was encrypted to her. */
async function annas(text: string, more: Record<string, string | Buffer> = {}) {
  const sealed = await new AgeFiles(
    world({ [IDENTITY]: anna.identity, '/project/s.recipients': anna.recipient }),
  ).seal('s.age', text);
  return world({
    [IDENTITY]: anna.identity,
    '/project/s.recipients': `${anna.recipient}\n${ben.recipient}\n`,
    '/project/s.age': sealed.armored,
    ...more,
  });
}

async function resolve(sources: SecretSources, deps: Awaited<ReturnType<typeof annas>>) {
  const run = () => Promise.reject(new Error('no command in this test'));
  const values = await resolveSecrets(Object.keys(sources), createSecretResolver(sources, { ...deps, run }));
  return Object.fromEntries([...values].map(([name, value]) => [name, value.toString()]));
}

describe('the source age', () => {
  it('finds values by the name of the secret, or by the key that is named', async () => {
    const deps = await annas('a: 007\nThe Other: "x\\ny"\n');
    const sources = { a: { age: 's.age' }, b: { age: './s.age', key: 'The Other' } };
    expect(await resolve(sources, deps)).toEqual({ a: '007', b: 'x\ny' });
  });

  it('opens a file that the program age wrote: not armored, without our list', async () => {
    const armored = await encrypt('a: b\n', [anna.recipient]);
    const bytes = Buffer.from(armored.split('\n').slice(1, -2).join(''), 'base64');
    expect(await resolve({ a: { age: 's.age' } }, await annas('', { '/project/s.age': bytes }))).toEqual({
      a: 'b',
    });
  });

  it('tells of a name that is not there, by secret', async () => {
    const deps = await annas('a: b\nc: ""\n');
    const sources = { c: { age: 's.age' }, d: { age: 's.age' }, e: { age: 's.age', key: 'toString' } };
    expect(await told(() => resolve(sources, deps))).toBe(
      [
        '[secrets/c] Secret c is empty (age file s.age). Give it a value.',
        '[secrets/d] Secret d is not in age file s.age. Add it with "citadel-iac secrets edit".',
        '[secrets/e] Secret e is not in age file s.age as "toString". Add it with "citadel-iac secrets edit".',
      ].join('\n'),
    );
  });

  it('tells once of a file or an identity that several secrets need', async () => {
    const sources = { a: { age: 's.age' }, b: { age: 's.age' } };
    expect(await told(() => resolve(sources, world({ [IDENTITY]: anna.identity })))).toBe(
      '[s.age] cannot be read: there is no such file. Write it with "citadel-iac secrets edit", or correct "age" below "secrets" of the inventory; paths start at the project\'s folder.',
    );
    const hers = await annas('a: b');
    const deps = { ...hers, readPrivate: world({}).readPrivate.bind(undefined) };
    expect(await told(() => resolve(sources, deps))).toMatch(/^\[~\/\.config.*there is no such file.*$/);
  });

  it('tells whom to ask when the file is encrypted to others', async () => {
    const deps = await annas('a: b', { [IDENTITY]: ben.identity });
    expect(await told(() => resolve({ a: { age: 's.age' } }, deps))).toBe(
      `[s.age] is not encrypted to you: the identity in ~/.config/citadel-iac/identity.txt does not open it. Ask someone who can read it to add ${ben.recipient} to s.recipients and to run "citadel-iac secrets rekey".`,
    );
  });

  it('tells apart what is wrong with a file', async () => {
    const good = (await (await annas('a: b')).readFile('/project/s.age')).toString();
    const middle = good.split('\n')[3]!;
    const cases: [string | Buffer, string][] = [
      ['', '[s.age] is not an age file. Take it back from git, or write it with "citadel-iac secrets edit".'],
      [
        'a: hunter2\n',
        '[s.age] is not an age file. Take it back from git, or write it with "citadel-iac secrets edit".',
      ],
      [
        good.replace(middle, middle.replace(/..$/, 'AA')),
        '[s.age] is damaged: part of it is missing or was changed. Take it back from git.',
      ],
      [
        good.slice(0, -60),
        '[s.age] is damaged: part of it is missing or was changed. Take it back from git.',
      ],
      [
        `<<<<<<< HEAD\n${good}=======\n${good}>>>>>>> theirs\n`,
        '[s.age] has a merge conflict in it. Take one side ("git checkout --ours" or "--theirs"), and make the changes of the other again with "citadel-iac secrets edit".',
      ],
    ];
    for (const [content, message] of cases) {
      const deps = await annas('', { '/project/s.age': content });
      expect(await told(() => resolve({ a: { age: 's.age' } }, deps))).toBe(message);
    }
  });

  it('survives line ends of another system', async () => {
    const deps = await annas('a: b');
    const good = (await deps.readFile('/project/s.age')).toString();
    const other = await annas('', { '/project/s.age': good.replaceAll('\n', '\r\n') });
    expect(await resolve({ a: { age: 's.age' } }, other)).toEqual({ a: 'b' });
  });
});

describe('writing an age file', () => {
  it('is text, of lines, that both of two people open', async () => {
    const deps = await annas('');
    const { armored, recipients } = await new AgeFiles(deps).seal('s.age', 'a: b\n');
    expect(armored).toMatch(
      /^-----BEGIN AGE ENCRYPTED FILE-----\n([A-Za-z0-9+/=]{1,64}\n)+-----END .*-----\n$/,
    );
    expect(recipients).toEqual([anna.recipient, ben.recipient].sort());
    for (const { identity } of [anna, ben]) {
      const files = new AgeFiles(world({ [IDENTITY]: identity, '/project/s.age': armored }));
      expect(await files.text('s.age')).toEqual({ text: 'a: b\n', recipients });
    }
  });

  it('is refused to someone who could not read it afterwards', async () => {
    const deps = await annas('', { '/project/s.recipients': ben.recipient });
    expect(await told(() => new AgeFiles(deps).seal('s.age', 'a: b\n'))).toBe(
      `[s.recipients] You are not among the recipients of s.age: you could not read what you write. Add ${anna.recipient}, or let one of those who stay do this.`,
    );
  });

  it('needs the recipients file', async () => {
    const deps = world({ [IDENTITY]: anna.identity });
    expect(await told(() => new AgeFiles(deps).seal('s.age', ''))).toBe(
      '[s.recipients] The recipients file of s.age cannot be read: there is no such file. Write the recipients (age1…) of all who may read the secrets into it, one a line, and commit it.',
    );
  });

  it('gives back any text and any values', async () => {
    const value = fc.oneof(
      fc.string({ unit: 'grapheme', minLength: 1 }),
      fc.string({ unit: 'binary', minLength: 1 }),
    );
    const name = fc.stringMatching(/^[a-z][a-z0-9_]{0,10}$/);
    const free = await annas('');
    await fc.assert(
      fc.asyncProperty(
        fc.dictionary(name, value, { noNullPrototype: true, minKeys: 1 }),
        fc.string({ unit: 'grapheme' }),
        async (wanted, comment) => {
          const note = comment.replaceAll(/[^\p{L}\p{N} #:]/gu, '');
          const text = `# ${note}\n${stringify(wanted, { defaultStringType: 'QUOTE_DOUBLE' })}`;
          const { armored } = await new AgeFiles(free).seal('s.age', text);
          const deps = await annas('', { '/project/s.age': armored });
          expect((await new AgeFiles(deps).text('s.age')).text).toBe(text);
          const sources = Object.fromEntries(Object.keys(wanted).map((key) => [key, { age: 's.age' }]));
          expect(await resolve(sources, deps)).toEqual(wanted);
        },
      ),
      { numRuns: 8 },
    );
    const odd = fc.string({ unit: 'grapheme' });
    await fc.assert(
      fc.asyncProperty(odd, async (text) => {
        const armored = await encrypt(text, [anna.recipient]);
        expect(await decrypt(Buffer.from(armored), [ben.identity, anna.identity])).toBe(text);
      }),
      { numRuns: 8 },
    );
  });
});
