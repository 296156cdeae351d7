import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LineReader, parseProgress } from '../../../lib/engine/apply/progress.js';

const US = '\x1f';

describe('parseProgress', () => {
  it.each([
    [
      `step${US}restart${US}a.service b.service `,
      { kind: 'step', step: 'restart', detail: 'a.service b.service' },
    ],
    [`note${US}x`, { kind: 'note', text: 'x' }],
    [
      `failure${US}validate${US}/etc/a${US}${Buffer.from('über\n\n').toString('base64')}`,
      { kind: 'failure', step: 'validate', item: '/etc/a', output: 'über' },
    ],
    [`confirm${US}12:00:30${US}60`, { kind: 'confirm', at: '12:00:30', seconds: 60 }],
    [`locked${US}ada${US}now${US}id`, { kind: 'locked', who: 'ada', since: 'now' }],
    [
      `locked${US}ada${US}now${US}id${US}${US}${US}at`,
      { kind: 'locked', who: 'ada', since: 'now', ends: 'at' },
    ],
    [
      `locked${US}ada${US}now${US}id${US}then${US}soon${US}at`,
      { kind: 'locked', who: 'ada', since: 'now', asked: { since: 'then', until: 'soon' }, ends: 'at' },
    ],
    ['gone', { kind: 'gone' }],
    [`end${US}committed${US}12`, { kind: 'end', outcome: 'committed', generation: 12 }],
    [`end${US}refused${US}`, { kind: 'end', outcome: 'refused', generation: null }],
  ])('reads %j', (line, expected) => {
    expect(parseProgress(line)).toEqual(expected);
  });

  it('refuses what it does not know', () => {
    expect(() => parseProgress('surprise')).toThrow('the host said something unknown: "surprise"');
  });
});

describe('LineReader', () => {
  it('gives the same lines however the bytes arrive', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string().map((line) => line.replaceAll('\n', ''))),
        fc.integer({ min: 1, max: 7 }),
        (lines, size) => {
          const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(''));
          const read: string[] = [];
          const reader = new LineReader((line) => read.push(line));
          for (let at = 0; at < bytes.length; at += size) reader.push(bytes.subarray(at, at + size));
          expect(read).toEqual(lines.map((line) => Buffer.from(line).toString()));
        },
      ),
    );
  });

  it('keeps an unfinished line to itself', () => {
    const read: string[] = [];
    new LineReader((line) => read.push(line)).push(Buffer.from('a\nb'));
    expect(read).toEqual(['a']);
  });
});
