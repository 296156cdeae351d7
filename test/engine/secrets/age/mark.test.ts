import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readMark, withMark } from '../../../../lib/engine/secrets/age/mark.js';

describe('the list of recipients in a text', () => {
  it('is comments of YAML before what a person wrote', () => {
    expect(withMark({ text: 'a: b\n', recipients: ['age1b', 'age1a', 'age1b'] })).toBe(
      '# citadel-iac wrote this file for these recipients; the file next to it lists them:\n# age1a\n# age1b\n#\na: b\n',
    );
  });

  it('is absent where another program wrote the file, or someone wrote into it', () => {
    expect(readMark('')).toEqual({ text: '', recipients: undefined });
    expect(readMark('a: b\n')).toEqual({ text: 'a: b\n', recipients: undefined });
    const whole = withMark({ text: 'a: b\n', recipients: ['age1a'] });
    for (const broken of [
      whole.replace('age1a', 'anna'),
      whole.slice(0, whole.indexOf('#\n')),
      whole.replace('#\n', ''),
    ])
      expect(readMark(broken)).toEqual({ text: broken, recipients: undefined });
  });

  it('leaves any text as it was, that of such a list too', () => {
    const recipient = fc.stringMatching(/^age1[a-z0-9]{1,20}$/);
    const line = fc.constantFrom('#\n', '# age1x\n', withMark({ text: '', recipients: ['age1a'] }));
    const text = fc.array(fc.oneof(fc.string({ unit: 'grapheme' }), line)).map((parts) => parts.join(''));
    fc.assert(
      fc.property(fc.uniqueArray(recipient), text, (recipients, it) => {
        expect(readMark(withMark({ text: it, recipients }))).toEqual({
          text: it,
          recipients: [...recipients].sort(),
        });
      }),
    );
  });
});
