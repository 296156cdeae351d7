import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalJson, type HostManifest } from '../../lib/manifest/index.js';
import { escapeTemplates } from '../../lib/terraform/binding/escape.js';
import { decodeDocument, encodeDocument } from '../../lib/terraform/document.js';
import { doubleProvider, Workspace } from './support/terraform.js';

const hostile = [
  '',
  '${x} $${y} $$${z} %{if true}%%{else} ${"${"} $ % $%',
  '"quotes" \'single\' `backticks` $(command) \\ \\n \\u0024 \\${x}',
  'NFC \u00e9 and NFD e\u0301, \u212b \u2126 \ufb01, emoji \u{1f600}, rtl \u202e, zero \u200b, bom \ufeff',
  '\t\r\n\v\f\b\u0000\u0001\u001f\u007f\u0080\u0085\u2028\u2029',
  '--leading -dashes',
  '{"json": [1, null]} <xml/> & ; | < > # // /* */',
  '\ud7ff\ue000\uffff\u{10ffff}',
];

const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc
    .array(fc.constantFrom('$', '%', '{', '}', '"', '\\', '\n', 'u0024', 'e\u0301', '${', '%{'), {
      maxLength: 20,
    })
    .map((parts) => parts.join('')),
);

const manifestOf = (contents: readonly string[]): HostManifest => ({
  version: 1,
  host: 'web',
  files: Object.fromEntries(
    contents.map((content, index) => [
      `/f/${index}`,
      { content, owner: 'root', group: 'root', mode: '0644' },
    ]),
  ),
});

describe('encodeDocument', () => {
  it('is plain ASCII without template characters, and JSON of the same value', () => {
    fc.assert(
      fc.property(fc.array(text, { maxLength: 5 }), (contents) => {
        const manifest = manifestOf(contents);
        const document = encodeDocument(manifest);
        expect(document).toMatch(/^[ -#&-~]*$/);
        expect(decodeDocument(document)).toEqual(JSON.parse(canonicalJson(manifest)));
      }),
      { numRuns: 500 },
    );
  });

  it('says that something is no JSON', () => {
    expect(decodeDocument('')).toBeUndefined();
    expect(decodeDocument('{')).toBeUndefined();
  });
});

describe('escapeTemplates', () => {
  it('doubles what begins a template, once, at any depth', () => {
    expect(escapeTemplates(null)).toBeNull();
    expect(escapeTemplates({ a: ['${x}', { b: '%{y}' }], n: 1, t: true })).toEqual({
      a: ['$${x}', { b: '%%{y}' }],
      n: 1,
      t: true,
    });
    expect(escapeTemplates('$ % { $$ $x')).toBe('$ % { $$ $x');
  });
});

describe('hostile values in real Terraform', { timeout: 120_000 }, () => {
  it('arrive on the host byte for byte, and plan as no change afterwards', async () => {
    const workspace = Workspace.create(await doubleProvider());
    try {
      const contents = [...hostile, 'x'.repeat(1024 * 1024), ...fc.sample(text, 60)];
      const root = join(workspace.folder, 'we${ird} %{root} $${x}');
      mkdirSync(root);
      workspace.write(manifestOf(contents), escapeTemplates({ root }));
      expect((await workspace.terraform('init')).output).toContain('successfully initialized');
      const apply = await workspace.terraform('apply', '-auto-approve');
      expect(apply.output).toContain('Apply complete!');
      contents.forEach((content, index) => {
        expect(readFileSync(join(root, `f/${index}`)).equals(Buffer.from(content))).toBe(true);
      });
      const again = await workspace.terraform('plan', '-detailed-exitcode');
      expect(again.output).toContain('No changes');
    } finally {
      workspace.dispose();
    }
  });
});
