import { isMap, isScalar, LineCounter, parseDocument } from 'yaml';
import { CitadelError, type Problem } from '../../../manifest/index.js';

export interface AgeEntry {
  readonly name: string;
  readonly value: string;
  /** Line of the text, from 1. */
  readonly line: number;
}

/**
 * What the text of an age file gives a value to: YAML (or JSON, which is YAML), one map of names to texts. Every value is
 * the text that stands there: `0123` and `no` are not numbers and truths. Problems name lines and repeat nothing of the
 * text, names neither: whoever mistypes may have a value where a name belongs.
 *
 * @param file named in the problems
 * @throws CitadelError with every problem
 */
export function parseValues(text: string, file: string): AgeEntry[] {
  const lines = new LineCounter();
  const lineOf = (offset: number): number => Math.max(lines.linePos(offset).line, 1);
  const document = parseDocument(text, {
    schema: 'failsafe',
    stringKeys: true,
    prettyErrors: false,
    lineCounter: lines,
  });
  const problems: Problem[] = [];
  const complain = (offset: number, got: string, fix: string): void => {
    problems.push({ code: 'secret.age-values', path: `${file}:${lineOf(offset)}`, got, fix });
  };
  for (const { code, pos } of [...document.errors, ...document.warnings]) {
    if (code === 'DUPLICATE_KEY') complain(pos[0], 'gives a name twice', 'Keep one of the two');
    else
      complain(
        pos[0],
        'is not YAML here, or just above',
        'Write "name: value" lines; quote what has special characters',
      );
  }
  const { contents } = document;
  const nothing = contents === null || (isScalar(contents) && contents.source === '');
  const entries: AgeEntry[] = [];
  if (problems.length === 0 && !nothing && !isMap(contents)) {
    complain(contents.range[0], 'is no map of names to values', 'Write "name: value" lines');
  }
  for (const { key, value } of isMap(contents) && problems.length === 0 ? contents.items : []) {
    const at = isScalar(key) ? key.range[0] : 0;
    const name = isScalar(key) ? key.value : undefined;
    const found = isScalar(value) ? value.value : undefined;
    if (typeof name !== 'string' || typeof found !== 'string') {
      complain(at, 'has a value that is no text', 'Give the name one text; "|" begins one of several lines');
    } else if (!found.isWellFormed() || !name.isWellFormed()) {
      complain(at, 'has half a character in it', 'Write the character itself');
    } else {
      entries.push({ name, value: found, line: lineOf(at) });
    }
  }
  if (problems.length > 0) throw new CitadelError(problems);
  return entries;
}
