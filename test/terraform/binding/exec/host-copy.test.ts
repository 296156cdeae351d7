import { describe, expect, it } from 'vitest';
import type { HostManifest } from '../../../../lib/manifest/index.js';
import { copyOf } from '../../../../lib/terraform/binding/exec/host-copy.js';

const owned = { owner: 'root', group: 'root', mode: '0644' };
const host = (files: HostManifest['files'], more: Partial<HostManifest> = {}): HostManifest => ({
  version: 1,
  host: 'web',
  ...(files === undefined ? {} : { files }),
  ...more,
});

describe('copyOf', () => {
  it('is the host alone where nothing is declared', () => {
    expect(copyOf(host(undefined))).toBe('{\n "host": "web",\n "version": 1\n}\n');
  });

  it('has everything but origins, and the lines of files', () => {
    const files = {
      '/etc/a': { content: 'text\nmore\n', ...owned },
      '/etc/b': { content: 'key=@@secret:db@@', ...owned },
      '/etc/c': { secret: 'db', ...owned },
    };
    const copy = copyOf(host(files, { packages: { curl: {} }, origins: { 'files//etc/a': 'x' } }));
    expect(JSON.parse(copy)).toEqual({
      version: 1,
      host: 'web',
      packages: { curl: {} },
      files: {
        '/etc/a': { ...owned, lines: ['text', 'more', ''] },
        '/etc/b': { ...owned, lines: ['key=@@secret:db@@'] },
        '/etc/c': { ...owned, lines: ['@@secret:db@@'] },
      },
    });
  });

  it.each(['${a} %{b} $${c}', 'e\u0301', '${TfToken[TOKEN.0]} #{TfToken[TOKEN.1]}', '\u0000\u007f\u{1f600}'])(
    'leaves Terraform and cdktf nothing to replace: %j',
    (content) => {
      const copy = copyOf(host({ '/etc/a': { content, ...owned } }));
      expect(copy).toMatch(/^[\n -#&-~]*$/);
      expect(copy).not.toContain('TfToken[');
      const { files } = JSON.parse(copy) as { files: Record<string, { lines: string[] }> };
      expect(files['/etc/a']?.lines).toEqual([content]);
    },
  );
});
