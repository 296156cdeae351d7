import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ObservedHost } from '../../../lib/engine/model.js';
import { planObserved } from '../../../lib/engine/plan/plan-host.js';
import { factsOf } from '../../../lib/engine/diff/facts.js';
import { maskDesired, maskLive } from '../../../lib/engine/secrets/mask.js';
import { manifestSecrets, materialise } from '../../../lib/engine/secrets/references.js';
import type { HostManifest } from '../../../lib/manifest/index.js';
import { expandManifest, sha256 } from '../../../lib/manifest/index.js';

const values = (record: Record<string, string>) =>
  new Map(Object.entries(record).map(([name, value]) => [name, Buffer.from(value)]));
const nothing = { values: new Map<string, Buffer>(), key: null };

describe('maskDesired', () => {
  it('shows text without secrets as it is', () => {
    expect(maskDesired({ content: 'a\nb' }, undefined, nothing)).toBe('a\nb');
  });

  it('shows a token for a value that is not known', () => {
    expect(maskDesired({ content: 'a=@@secret:x@@' }, undefined, nothing)).toBe('a=<secret x>');
    expect(maskDesired({ secret: 'x' }, undefined, nothing)).toBe('<secret x>');
  });

  it('treats plain text that equals a value as the host’s side is treated', () => {
    const context = { values: values({ x: 'root' }), key: null };
    const file = { content: 'user=root\npw=@@secret:x@@\n' };
    expect(maskDesired(file, undefined, context)).toBe('user=<secret x>\npw=<secret x>\n');
    expect(maskLive('user=root\npw=root\n', file, undefined, context)).toBe(
      'user=<secret x>\npw=<secret x>\n',
    );
  });

  it('gives equal values one token', () => {
    const context = { values: values({ y: 'same-value', x: 'same-value' }), key: null };
    expect(maskDesired({ content: '@@secret:y@@' }, undefined, context)).toBe('<secret x>');
  });
});

describe('maskLive', () => {
  const file = { content: 'host=a\npassword = "@@secret:pw@@"\nport=1\n' };
  const context = { values: values({ pw: 'new-value' }), key: null };
  const show = (text: string) => maskLive(text, file, undefined, context).split('\n');

  it('shows drifted lines when every secret is in its place', () => {
    expect(show('host=b\npassword = "new-value"\nport=2\n')).toEqual([
      'host=b',
      'password = "<secret pw>"',
      'port=2',
      '',
    ]);
  });

  it('hides unknown lines when a past value is about, for it may go on', () => {
    expect(show('password = "first\n\nsecond"\nport=1\nhost=b\n')).toEqual([
      '<line hidden: may hold secret pw>',
      '',
      '<line hidden: may hold secret pw>',
      'port=1',
      '<line hidden: may hold secret pw>',
      '',
    ]);
    expect(show('host=a\npassword = "past"\nsecond\nport=2\n')).toEqual([
      'host=a',
      'password = "<secret pw, another value>"',
      '<line hidden: may hold secret pw>',
      '<line hidden: may hold secret pw>',
      '',
    ]);
  });

  it('hides lines that have the word before a reference', () => {
    expect(show('#Password: old\npassword = "new-value"\nx=1\n')).toEqual([
      '<line hidden: may hold secret pw>',
      'password = "<secret pw>"',
      'x=1',
      '',
    ]);
  });
});

describe('another form of a value', () => {
  const value = 'pa/ss wörd+"1"';
  const bytes = Buffer.from(value);
  const forms: readonly (readonly [string, string])[] = [
    ['base64', bytes.toString('base64')],
    ['base64url', bytes.toString('base64url')],
    ['hex', bytes.toString('hex')],
    ['a URL', encodeURIComponent(value)],
    ['JSON', JSON.stringify(value).slice(1, -1)],
  ];
  const key = Buffer.from('key of the host');

  it.each(forms)('is a token of its own in a file without references: %s', (_, form) => {
    const text = `a=1\nkey = ${form}\n`;
    const shown = maskLive(text, { content: 'a=1\n' }, undefined, { values: values({ pw: value }), key });
    expect(shown).toMatch(/^a=1\nkey = <secret pw #[0-9a-f]{6}>=*\n$/);
    expect(shown).not.toContain(
      maskDesired({ secret: 'pw' }, undefined, { values: values({ pw: value }), key }),
    );
    const nobody = { values: values({ pw: value }), key: null };
    expect(maskLive(text, undefined, undefined, nobody)).toMatch(
      /^a=1\nkey = <secret pw, in another form>=*\n$/,
    );
  });

  it.each(forms)('is a token next to a reference, and on both sides of a diff: %s', (_, form) => {
    const file = { content: `user = me\npw = @@secret:pw@@\nother = ${form}\n` };
    const context = { values: values({ pw: value }), key };
    const live = `user = you\npw = ${value}\nother = ${form}\n`;
    const [wanted, shown] = [maskDesired(file, undefined, context), maskLive(live, file, undefined, context)];
    expect(shown).toBe(wanted.replace('user = me', 'user = you'));
    expect(wanted).not.toContain(form.replace(/=+$/, ''));
  });

  it('is one line of a value that has several, but not what begins and ends every key', () => {
    const pem = '-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2Vw\nBCIEIHfkw1\n-----END PRIVATE KEY-----';
    const context = { values: values({ key: pem }), key: null };
    expect(maskLive(`${pem.split('\n').slice(0, 2).join('\n')}\n`, undefined, undefined, context)).toBe(
      '-----BEGIN PRIVATE KEY-----\n<secret key, in another form>\n',
    );
  });

  it('is not looked for where the value is short, as it would be everywhere', () => {
    const context = { values: values({ pin: '12' }), key: null };
    const file = { content: 'pin = @@secret:pin@@\nid = 3132\n' };
    expect(maskDesired(file, undefined, context)).toBe('pin = <secret pin>\nid = 3132\n');
  });
});

describe('a plan', () => {
  const secretText = fc
    .stringMatching(/^[A-Za-z0-9+/=$"'\\ .#-]{8,24}$/)
    .filter((value) => value.trim() === value && new Set(value).size > 5);
  const past = fc.oneof(
    secretText,
    fc.tuple(secretText, secretText).map((parts) => parts.join('\n')),
  );
  const lineOf = (name: string) =>
    fc.constantFrom(
      `password=@@secret:${name}@@`,
      `  token: "@@secret:${name}@@"`,
      `@@secret:${name}@@`,
      `url=https://user:@@secret:${name}@@@host/`,
      `pair @@secret:${name}@@ and @@secret:${name}@@`,
    );
  const plainLine = fc.constantFrom('user=admin', '', '# comment', 'port=1', '[section]', '  list: 1');
  const template = fc
    .tuple(
      fc.array(plainLine, { maxLength: 4 }),
      lineOf('one'),
      fc.array(plainLine, { maxLength: 4 }),
      fc.option(lineOf('two')),
    )
    .map(
      ([before, one, after, two]) =>
        [...before, one, ...after, ...(two === null ? [] : [two])].join('\n') + '\n',
    );
  const edit = fc.constantFrom('none', 'add', 'drop', 'indent');

  it('never shows a secret, neither a present nor a past one', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          wanted: fc.option(template),
          past: fc.option(template),
          live: fc.option(template),
          one: secretText,
          two: secretText,
          oldOne: past,
          oldTwo: past,
          key: fc.boolean(),
          whole: fc.boolean(),
          edit,
          at: fc.nat(10),
        }),
        async (sample) => {
          const current = values({ one: sample.one, two: sample.two });
          const old = values({ one: sample.oldOne, two: sample.oldTwo });
          const attributes = { owner: 'root', group: 'root', mode: '0600' };
          const file = (content: string | null) =>
            content === null
              ? {}
              : { files: { '/s': { ...(sample.whole ? { secret: 'one' } : { content }), ...attributes } } };
          const manifest: HostManifest = { version: 1, host: 'a', ...file(sample.wanted) };
          const pastManifest = expandManifest({ version: 1, host: 'a', ...file(sample.past) });
          const liveTemplate = sample.live ?? sample.past ?? sample.wanted;
          // Someone without a record of the template: adoption, where only the wanted one can be known.
          fc.pre(liveTemplate !== null && (sample.wanted !== null || sample.past !== null));
          // A template that no one ever wrote down is known to no one once the file holds no secret any more.
          const lines = materialise({ content: liveTemplate ?? '' }, old)
            .toString('utf8')
            .split('\n');
          if (sample.edit === 'add') lines.splice(sample.at, 0, `# copy: ${sample.oldOne}`);
          if (sample.edit === 'drop') lines.splice(sample.at, 1);
          if (sample.edit === 'indent') lines[0] = `   ${lines[0] ?? ''}`;
          const bytes = Buffer.from(lines.join('\n'));
          const stamps = new Map([['/s', { sha256: 'f'.repeat(64), size: 1 }]]);
          const observed: ObservedHost = {
            generation: 1,
            digest: 'f'.repeat(64),
            applied: sample.past === null ? null : factsOf(pastManifest, stamps),
            debts: [],
            open: null,
            paths: new Map([
              [
                '/s',
                { kind: 'file', ...attributes, uid: 0, gid: 0, size: bytes.length, sha256: sha256(bytes) },
              ],
            ]),
            contents: new Map(),
            units: new Map(),
            packages: new Map(),
            groups: new Map(),
            users: new Map(),
            mounts: new Map(),
            secretKey: sample.key ? Buffer.from('key') : null,
            offline: null,
          };
          const desired = expandManifest(manifest);
          const needed = manifestSecrets(desired);
          const plan = await planObserved(
            {
              manifest,
              desired,
              values: new Map([...current].filter(([name]) => needed.includes(name))),
              observation: { host: observed, indexSent: true },
            },
            (paths) => Promise.resolve(new Map(paths.map((path) => [path, bytes]))),
          );
          const shown = JSON.stringify(plan.changes);
          const secrets = [sample.one, sample.two, sample.oldOne, sample.oldTwo].flatMap((value) =>
            value.split('\n'),
          );
          for (const secret of secrets) expect(shown).not.toContain(JSON.stringify(secret).slice(1, -1));
        },
      ),
      { numRuns: 500 },
    );
  });
});
