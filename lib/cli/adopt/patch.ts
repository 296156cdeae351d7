import { formatUnifiedDiff } from '../../engine/diff/unified.js';
import { by } from '../../text/order.js';

/** A file of the project, as it is and as it would be. */
export interface ChangedFile {
  /** Relative to the repository's root. */
  readonly path: string;
  readonly before: string;
  readonly after: string;
}

/** A patch as "git apply" takes it, files sorted by path. Empty where nothing differs. */
export function gitPatch(files: readonly ChangedFile[]): string {
  return [...files]
    .sort(by(({ path }) => path))
    .filter(({ before, after }) => before !== after)
    .map(({ path, before, after }) => {
      const [a, b] = [gitName(`a/${path}`), gitName(`b/${path}`)];
      // git ends a name with a tab where a space could be taken for its end.
      const end = a.includes(' ') ? '\t' : '';
      const names = { before: `${a}${end}`, after: `${b}${end}` };
      return `diff --git ${a} ${b}\n${formatUnifiedDiff(before, after, names)}`;
    })
    .join('');
}

const ESCAPES: Readonly<Record<string, string>> = {
  '\t': '\\t',
  '\n': '\\n',
  '\r': '\\r',
  '"': '\\"',
  '\\': '\\\\',
};

/** A name in quotes, as git writes it where it holds more than plain characters. */
function gitName(name: string): string {
  // eslint-disable-next-line no-control-regex -- control characters are what is looked for
  if (!/["\\\u0000-\u001f\u007f-\uffff]/.test(name)) return name;
  const text = [...Buffer.from(name)].map((byte) => {
    const char = String.fromCharCode(byte);
    return ESCAPES[char] ?? (byte < 32 || byte > 126 ? `\\${byte.toString(8).padStart(3, '0')}` : char);
  });
  return `"${text.join('')}"`;
}
