import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { manifestJsonSchema } from '../../lib/manifest/index.js';

const accepts = new Ajv2020({ strict: false, validateFormats: false }).compile(manifestJsonSchema());

const file = { content: 'x\n', owner: 'root', group: 'root', mode: '0644' };
const manifest = (sections: object) => ({ version: 1, host: 'ai-node', ...sections });

describe('manifestJsonSchema', () => {
  it.each([
    ['the empty manifest', manifest({})],
    ['a file', manifest({ files: { '/etc/x': file } })],
    ['a name that begins with dots', manifest({ files: { '/etc/..x/...': file } })],
    ['a secret file', manifest({ files: { '/etc/x': { ...file, content: undefined, secret: 'db' } } })],
    ['a check', manifest({ checks: { up: { kind: 'tcp', host: '::1', port: 1, timeoutSec: 5, wave: 0 } } })],
    ['origins', manifest({ origins: { 'files//etc/x': 'a/b' } })],
  ])('accepts %s', (_name, document) => {
    const valid = accepts(JSON.parse(JSON.stringify(document)));
    expect(accepts.errors).toBeNull();
    expect(valid).toBe(true);
  });

  it.each([
    ['another version', { version: 2, host: 'ai-node' }],
    ['a relative path', manifest({ files: { 'etc/x': file } })],
    ['a path with ..', manifest({ files: { '/etc/../x': file } })],
    ['a path with //', manifest({ files: { '/etc//x': file } })],
    ['a path with a line end', manifest({ files: { '/etc/x\n': file } })],
    [
      'the root directory',
      manifest({ directories: { '/': { owner: 'root', group: 'root', mode: '0755' } } }),
    ],
    ['a mode that is not octal', manifest({ files: { '/etc/x': { ...file, mode: '0689' } } })],
    ['an unknown section', manifest({ folders: {} })],
    ['an unknown property', manifest({ files: { '/etc/x': { ...file, own: 'root' } } })],
    [
      'a check without a timeout',
      manifest({ checks: { up: { kind: 'tcp', host: '::1', port: 1, wave: 0 } } }),
    ],
    ['a unit name without a suffix', manifest({ units: { x: {} } })],
  ])('refuses %s', (_name, document) => {
    expect(accepts(document)).toBe(false);
  });

  it('is the same every time', () => {
    expect(JSON.stringify(manifestJsonSchema())).toBe(JSON.stringify(manifestJsonSchema()));
  });
});
