import { posix } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  absolutePath,
  canonicalJson,
  checkManifest,
  manifestDigest,
  pathProblem,
} from '../../lib/manifest/index.js';

const component = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 8 }),
  fc.constantFrom('', '.', '..', 'etc', '...', ' ', '-', '$(x)', 'a\nb', 'a\0b', '\u007f', '🙂', '\ud800'),
);
const path = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.array(component, { maxLength: 6 }).map((parts) => `/${parts.join('/')}`),
);

describe('paths', () => {
  it('are refused, or absolute, normal and free of control characters', () => {
    fc.assert(
      fc.property(path, (text) => {
        const refused = pathProblem(text) !== undefined;
        expect(absolutePath.safeParse(text).success).toBe(!refused);
        if (refused) return;
        expect(posix.isAbsolute(text)).toBe(true);
        expect(posix.normalize(text)).toBe(text);
        expect(text.endsWith('/')).toBe(false);
        // eslint-disable-next-line no-control-regex -- that is what must not be there
        expect(text).not.toMatch(/[\u0000-\u001f\u007f]/);
        expect(Buffer.from(text, 'utf8').toString('utf8')).toBe(text);
      }),
      { numRuns: 2000 },
    );
  });

  it('of one manifest never stand below a file', () => {
    const name = fc.constantFrom('a', 'b', 'c');
    const short = fc.array(name, { minLength: 1, maxLength: 3 }).map((parts) => `/${parts.join('/')}`);
    fc.assert(
      fc.property(
        fc.uniqueArray(short, { maxLength: 5 }),
        fc.uniqueArray(short, { maxLength: 5 }),
        (files, folders) => {
          const root = { owner: 'root', group: 'root' };
          const { problems } = checkManifest({
            version: 1,
            host: 'h',
            files: Object.fromEntries(files.map((each) => [each, { content: '', ...root, mode: '0644' }])),
            directories: Object.fromEntries(folders.map((each) => [each, { ...root, mode: '0755' }])),
          });
          const clash = files.some((file) =>
            [...files, ...folders].some((other) => other.startsWith(`${file}/`)),
          );
          const twice = files.some((file) => folders.includes(file));
          expect(problems.length > 0).toBe(clash || twice);
        },
      ),
    );
  });
});

describe('checkManifest', () => {
  it('answers for any value, and says the same twice', () => {
    fc.assert(
      fc.property(fc.anything(), (input) => {
        expect(checkManifest(input)).toEqual(checkManifest(input));
      }),
    );
  });

  it('answers for any document that has the shape of a manifest, hostile keys included', () => {
    const key = fc.oneof(path, fc.constantFrom('__proto__', 'constructor', 'toString', 'x.service'));
    const section = fc.dictionary(key, fc.anything(), { maxKeys: 4 });
    fc.assert(
      fc.property(
        fc.record(
          {
            version: fc.constant(1),
            host: fc.oneof(fc.constant('h'), fc.string()),
            files: section,
            directories: section,
            users: section,
            units: section,
            mounts: section,
            blocks: section,
            checks: section,
            origins: fc.dictionary(fc.string(), fc.anything()),
          },
          { requiredKeys: ['version', 'host'] },
        ),
        (input) => {
          const result = checkManifest(input);
          for (const problem of result.problems) {
            expect(problem.code).toMatch(/^manifest\./);
            expect(problem.got).not.toBe('');
            expect(problem.fix).not.toBe('');
          }
        },
      ),
    );
  });
});

describe('canonicalJson', () => {
  it('does not depend on the order of keys, and origins do not move the digest', () => {
    const content = fc.dictionary(fc.stringMatching(/^\/[a-z]{1,8}$/), fc.string());
    fc.assert(
      fc.property(content, fc.dictionary(fc.string(), fc.string()), (files, origins) => {
        const entries = Object.entries(files).map(([name, text]): [string, object] => [
          name,
          { content: text, owner: 'root', group: 'root', mode: '0644' },
        ]);
        const one = { version: 1 as const, host: 'h', files: Object.fromEntries(entries) } as never;
        const two = {
          files: Object.fromEntries([...entries].reverse()),
          host: 'h',
          version: 1 as const,
          origins,
        } as never;
        expect(manifestDigest(two)).toBe(manifestDigest(one));
        expect(canonicalJson(JSON.parse(canonicalJson(one)))).toBe(canonicalJson(one));
      }),
    );
  });
});
