import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findBlocks, normalBlock, replaceBlocks } from '../../../lib/engine/diff/block-text.js';

const block = (name: string, text: string) =>
  `# BEGIN citadel-iac ${name}\n${text}# END citadel-iac ${name}\n`;
const none = new Set<string>();
const wanted = (blocks: Record<string, string>) => new Map(Object.entries(blocks));

describe('replaceBlocks', () => {
  it('adds blocks to an empty file by name', () => {
    expect(replaceBlocks('', wanted({ b: 'B\n', a: '' }), none)).toBe(block('a', '') + block('b', 'B\n'));
  });

  it('keeps foreign lines and ends a last line that has no newline', () => {
    expect(replaceBlocks('x\r\ny', wanted({ a: 'A\n' }), none)).toBe(`x\r\ny\n${block('a', 'A\n')}`);
  });

  it('replaces a block where it stands and drops second copies', () => {
    const content = `x\n${block('a', 'old\n')}y\n${block('a', 'again\n')}z`;
    expect(replaceBlocks(content, wanted({ a: 'A\n' }), none)).toBe(`x\n${block('a', 'A\n')}y\nz`);
  });

  it('removes what it is told and leaves blocks it knows nothing of', () => {
    const content = block('a', 'A\n') + block('b', 'B\n') + block('c', 'C\n');
    expect(replaceBlocks(content, wanted({ a: 'A\n' }), new Set(['b']))).toBe(
      block('a', 'A\n') + block('c', 'C\n'),
    );
  });

  it('heals a block whose end marker is gone without taking foreign lines', () => {
    const content = `# BEGIN citadel-iac a\n1\n2\nforeign\n${block('b', 'B\n')}`;
    expect(replaceBlocks(content, wanted({ a: '1\n2\n3\n', b: 'B\n' }), none)).toBe(
      `${block('a', '1\n2\n3\n')}foreign\n${block('b', 'B\n')}`,
    );
  });

  it('heals a block whose first marker is gone', () => {
    expect(replaceBlocks('1\n# END citadel-iac a\n2\n', wanted({ a: '1\n' }), none)).toBe(
      `1\n2\n${block('a', '1\n')}`,
    );
  });

  it('is stable, and keeps every foreign line in its order', () => {
    const names = fc.constantFrom('a', 'b', '/mnt/x y');
    const line = fc.oneof(
      fc.constantFrom('1', '2', '', 'UUID=1 / ext4', '#', '\u00e9\u00ff'),
      names.map((name) => `# BEGIN citadel-iac ${name}`),
      names.map((name) => `# END citadel-iac ${name}`),
    );
    const text = fc
      .array(fc.constantFrom('1', '2', ''), { maxLength: 3 })
      .map((l) => normalBlock(l.join('\n')));
    fc.assert(
      fc.property(
        fc.array(line, { maxLength: 12 }),
        fc.dictionary(names, text, { minKeys: 1 }),
        (lines, blocks) => {
          const once = replaceBlocks(lines.join('\n'), wanted(blocks), none);
          expect(replaceBlocks(once, wanted(blocks), none)).toBe(once);
          const found = findBlocks(once, wanted(blocks));
          for (const [name, value] of Object.entries(blocks)) {
            expect(found.filter((one) => one.name === name)).toMatchObject([{ text: value, closed: true }]);
          }
        },
      ),
    );
  });
});
