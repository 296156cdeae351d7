import { describe, expect, it } from 'vitest';
import { checkManifest, formatProblem } from '../../lib/manifest/index.js';

const user = { home: '/home/agent0', shell: '/bin/bash', groups: [], system: false };
const mount = { source: '/dev/sda1', type: 'ext4', options: ['defaults', 'nofail'], state: 'mounted' };
const host = (sections: object) => ({ version: 1, host: 'ai-node', ...sections });
const texts = (input: unknown) => checkManifest(input).problems.map(formatProblem);

describe('values that could not arrive as they are', () => {
  const check = (more: object): object => ({
    checks: { c: { timeoutSec: 1, wave: 0, ...more } },
  });
  it.each<[string, object, string]>([
    [
      'a home that would be two fields of passwd(5)',
      { users: { u: { ...user, home: '/home/a:b' } } },
      'users["u"].home: "/home/a:b" contains ":"',
    ],
    [
      'a shell that would be two fields of passwd(5)',
      { users: { u: { ...user, shell: '/bin/a:b' } } },
      'users["u"].shell: "/bin/a:b" contains ":"',
    ],
    [
      'a URL with a line end, which parsers take out in silence',
      check({ kind: 'http', url: 'http://127.0.0.1/a\nb', status: 200 }),
      'has a control character',
    ],
    [
      'a URL with a space',
      check({ kind: 'http', url: 'http://127.0.0.1/a b', status: 200 }),
      'is not an http:// or https:// address',
    ],
    [
      'a URL of something else',
      check({ kind: 'http', url: 'file:///etc/passwd', status: 200 }),
      'is not an http:// or https:// address',
    ],
    [
      'a link target that is half a character',
      { symlinks: { '/x': { target: '\ud800' } } },
      'is not well-formed Unicode',
    ],
    [
      'an argument that is half a character',
      check({ kind: 'command', command: ['x', '\ud800'] }),
      'is not well-formed Unicode',
    ],
    [
      'a mount option with a control character',
      {
        mounts: { '/mnt/a': { ...mount, options: ['a\u0001b'] } },
        blocks: { '/etc/fstab': { '/mnt/a': '/dev/sda1 /mnt/a ext4 a\u0001b 0 2\n' } },
      },
      'has a control character',
    ],
    [
      'an account by a name that JavaScript would lose',
      JSON.parse('{"groups":{"__proto__":{"system":true}}}') as object,
      'groups["__proto__"]: is a name that cannot be used',
    ],
    [
      'a block by a name that JavaScript would lose',
      JSON.parse('{"blocks":{"/x":{"a":"","__proto__":"b"}}}') as object,
      'blocks["/x"]["__proto__"]: is a name that cannot be used',
    ],
  ])('%s', (_name, sections, words) => {
    expect(texts(host(sections)).join('\n')).toContain(words);
  });
});
