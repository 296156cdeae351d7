import { describe, expect, it } from 'vitest';
import type { HostManifest } from '../../../../lib/manifest/index.js';
import { copiesOf } from '../../../../lib/terraform/binding/exec/host-copy.js';

const owned = { owner: 'root', group: 'root', mode: '0644' };
const host = (files: HostManifest['files'], more: Partial<HostManifest> = {}): HostManifest => ({
  version: 1,
  host: 'web',
  ...(files === undefined ? {} : { files }),
  ...more,
});
const one = (content: string) => copiesOf(host({ '/etc/a': { content, ...owned } }))[1]?.content;

describe('copiesOf', () => {
  it('is the rest alone for a host without files', () => {
    expect(copiesOf(host(undefined))).toEqual([
      {
        id: 'web_json_e09eaafb',
        filename: 'hosts/web.json',
        content: { content: '{\n  "host": "web",\n  "version": 1\n}\n' },
      },
    ]);
  });

  it('has everything but contents and origins in the rest, sorted', () => {
    const [rest] = copiesOf(
      host(
        { '/etc/a': { content: 'text', ...owned } },
        { packages: { curl: {} }, origins: { 'files//etc/a': 'x' } },
      ),
    );
    expect(JSON.parse((rest?.content as { content: string }).content)).toEqual({
      version: 1,
      host: 'web',
      packages: { curl: {} },
      files: { '/etc/a': owned },
    });
  });

  it('shows secrets as references only', () => {
    const [, part, whole] = copiesOf(
      host({
        '/a': { content: 'key=@@secret:db@@\n', ...owned, mode: '0600' },
        '/b': { secret: 'db', ...owned, mode: '0600' },
      }),
    );
    expect(part?.content).toEqual({ content: 'key=@@secret:db@@\n' });
    expect(whole?.content).toEqual({ content: '@@secret:db@@' });
  });

  it.each([
    ['plain', 'a\n', { content: 'a\n' }],
    ['templates, escaped once', '${a} %{b} $${c}', { content: '$${a} %%{b} $$${c}' }],
    ['what Terraform would normalise', 'e\u0301', { contentBase64: 'ZcyB' }],
    [
      'what cdktf would take for its own',
      '${TfToken[TOKEN.0]}',
      { contentBase64: Buffer.from('${TfToken[TOKEN.0]}').toString('base64') },
    ],
  ])('content: %s', (_, content, expected) => {
    expect(one(content)).toEqual(expected);
  });

  it('keeps apart what looks alike, in names that Terraform and a disk take', () => {
    const paths = ['/etc/a_b', '/etc/a/b', '/etc/a-b', '/x/${y}', '/x/%{y}', '/x/%24{y}', '/é'];
    const copies = copiesOf(host(Object.fromEntries(paths.map((path) => [path, { content: '', ...owned }]))));
    for (const { id } of copies) expect(id).toMatch(/^[A-Za-z_][A-Za-z0-9_-]*$/);
    expect(new Set(copies.map(({ id }) => id)).size).toBe(paths.length + 1);
    expect(new Set(copies.map(({ filename }) => filename)).size).toBe(paths.length + 1);
    expect(copies.map(({ filename }) => filename).join()).not.toMatch(/[$%]\{/);
  });

  it('begins with a letter for a host that begins with a digit', () => {
    expect(copiesOf({ version: 1, host: '1db' })[0]?.id).toMatch(/^_1db_json_[0-9a-f]{8}$/);
  });
});
