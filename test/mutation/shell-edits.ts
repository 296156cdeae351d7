import { createHash } from 'node:crypto';

/** A small fault in a line of a host's program. */
export interface Mutant {
  /** Name of the file in `lib/engine/remote`. */
  readonly file: string;
  /** From 1. */
  readonly line: number;
  readonly edit: string;
  readonly before: string;
  readonly after: string;
}

/** A line of a program, and what each of its characters is: `s` shell, `'` single-quoted, `"` double-quoted, `#` comment. */
export interface ProgramLine {
  readonly text: string;
  readonly kinds: string;
  /** Whether a command can begin with this line. */
  readonly begins: boolean;
}

type Kind = 's' | "'" | '"' | '#';

interface Edit {
  readonly name: string;
  /** `'` for awk's programs. */
  readonly kind: Kind;
  readonly find: RegExp;
  readonly put: string;
}

/** Another sample, should this one ever be known by heart. */
const SEED = 'citadel-iac 1';

const EDITS: readonly Edit[] = [
  { name: 'negate', kind: 's', find: /(?<=^\s*(?:if|elif|while|until) )! /g, put: '' },
  { name: 'negate', kind: 's', find: /(?<=^\s*(?:if|elif) )(?!! )/g, put: '! ' },
  { name: 'empty', kind: 's', find: /(?<=\[ )-n(?= )/g, put: '-z' },
  { name: 'empty', kind: 's', find: /(?<=\[ )-z(?= )/g, put: '-n' },
  { name: 'equal', kind: 's', find: / = /g, put: ' != ' },
  { name: 'equal', kind: 's', find: / != /g, put: ' = ' },
  { name: 'bound', kind: 's', find: / -lt /g, put: ' -le ' },
  { name: 'bound', kind: 's', find: / -le /g, put: ' -lt ' },
  { name: 'bound', kind: 's', find: / -gt /g, put: ' -ge ' },
  { name: 'bound', kind: 's', find: / -ge /g, put: ' -gt ' },
  { name: 'swap', kind: 's', find: / && /g, put: ' || ' },
  { name: 'swap', kind: 's', find: / \|\| /g, put: ' && ' },
  { name: 'go on', kind: 's', find: / \|\| (?:return|exit|continue|break)(?: \d+)?(?=$|;|\s)/g, put: '' },
  { name: 'status', kind: 's', find: /(?<=\breturn )0/g, put: '1' },
  { name: 'status', kind: 's', find: /(?<=\breturn )1/g, put: '0' },
  { name: 'no sync', kind: 's', find: / && sync [^;|&]*/g, put: '' },
  { name: 'rm -rf', kind: 's', find: /\brmdir(?= --)/g, put: 'rm -rf' },
  { name: 'cp', kind: 's', find: /\bcp -(?:a|p)T?(?= )/g, put: 'cp' },
  { name: 'mv', kind: 's', find: /\bmv -f?T(?= )/g, put: 'mv' },
  { name: 'ln', kind: 's', find: /\bln -sfn(?= )/g, put: 'ln -sf' },
  { name: 'flag', kind: 's', find: / --one-file-system| --numeric-owner/g, put: '' },
  { name: 'follow', kind: 's', find: /(?<=\bchown) -h/g, put: '' },
  { name: 'append', kind: 's', find: />>(?="\$(?:DIR|SAVE|BASE))/g, put: '>' },
  { name: 'fixed', kind: 's', find: /(?<=\bgrep -[a-z]*)[Fx](?=[a-z]* )/g, put: '' },
  { name: 'order', kind: 's', find: /(?<=\bsort) -(?:u|r)(?= |$)/g, put: '' },
  { name: 'awk equal', kind: "'", find: / == /g, put: ' != ' },
  { name: 'awk equal', kind: "'", find: / != /g, put: ' == ' },
  { name: 'awk bound', kind: "'", find: / <= /g, put: ' < ' },
  { name: 'awk bound', kind: "'", find: /(?<=\w) < (?=\w)/g, put: ' <= ' },
  { name: 'awk bound', kind: "'", find: / >= /g, put: ' > ' },
  { name: 'awk swap', kind: "'", find: / && /g, put: ' || ' },
  { name: 'awk swap', kind: "'", find: / \|\| /g, put: ' && ' },
  { name: 'awk field', kind: "'", find: /\$2\b/g, put: '$3' },
  { name: 'awk field', kind: "'", find: /\$3\b/g, put: '$2' },
  { name: 'awk one less', kind: "'", find: / \+ 1\b/g, put: '' },
];

const KEYWORD = /^(?:if|then|else|elif|fi|for|while|until|do|done|case|esac|return|exit|\{|\}|\(|\))(?:\W|$)/;
const GOES_ON = /(?:\\|\||&&|\|\||\bin|\bdo|\bthen|\belse|\{|\()$/;
const CONTINUES = /(?:\\|\||&&|\|\|)$/;

/** The lines of a program with what is shell in them. */
export function programLines(text: string): ProgramLine[] {
  const lines: ProgramLine[] = [];
  let state: Kind = 's';
  let here: string | undefined;
  let continued = false;
  for (const line of text.replace(/\n$/, '').split('\n')) {
    if (here !== undefined) {
      lines.push({ text: line, kinds: '#'.repeat(line.length), begins: false });
      if (line === here) here = undefined;
      continue;
    }
    const begins = state === 's' && !continued;
    let kinds = '';
    for (let at = 0; at < line.length; at += 1) {
      const char = line[at] ?? '';
      if (char === '\\' && state !== "'" && at + 1 < line.length) {
        kinds += state + state;
        at += 1;
        continue;
      }
      if (state === 's' && char === '#' && /(^|\s)$/.test(line.slice(0, at))) {
        kinds += '#'.repeat(line.length - at);
        break;
      }
      if (state === 's' && (char === "'" || char === '"')) state = char;
      else if (char === state) {
        kinds += state;
        state = 's';
        continue;
      }
      kinds += state;
    }
    here = state === 's' ? /<<'?([A-Z]+)'?/.exec(shellOf({ text: line, kinds, begins }))?.[1] : undefined;
    if (kinds.includes('s') || state !== 's')
      continued = CONTINUES.test(shellOf({ text: line, kinds, begins }));
    lines.push({ text: line, kinds, begins });
  }
  return lines;
}

/** A line without its comment and the space around it. */
export function shellOf({ text, kinds }: ProgramLine): string {
  const comment = kinds.indexOf('#');
  return (comment < 0 ? text : text.slice(0, comment)).trim();
}

/** All mutants of a program that this file knows how to make. */
export function mutantsOf(file: string, text: string): Mutant[] {
  const lines = programLines(text);
  return lines.flatMap((line, index) => {
    const of = (edit: string, after: string): Mutant => ({
      file,
      line: index + 1,
      edit,
      before: line.text,
      after,
    });
    const edited = EDITS.flatMap(({ name, kind, find, put }) =>
      [...line.text.matchAll(find)]
        .filter(({ index: at }) => line.kinds[at] === kind)
        .map(({ index: at, 0: found }) =>
          of(name, line.text.slice(0, at) + put + line.text.slice(at + found.length)),
        ),
    );
    return canBeDropped(line, lines[index + 1])
      ? [...edited, of('drop', `${/^\s*/.exec(line.text)?.[0] ?? ''}:`)]
      : edited;
  });
}

function canBeDropped(line: ProgramLine, next: ProgramLine | undefined): boolean {
  const code = shellOf(line);
  return (
    line.begins &&
    next?.kinds.startsWith("'") !== true &&
    /^[A-Za-z_]/.test(code) &&
    !KEYWORD.test(code) &&
    !/^\w+\(\)|^[^()]*\)|;;$|<</.test(code) &&
    !GOES_ON.test(code)
  );
}

/** Always the same mutants of the same programs, at most one of a line; a change elsewhere changes none of them. */
export function sampleOf(
  mutants: readonly Mutant[],
  size: number,
  valid: (mutant: Mutant) => boolean,
): Mutant[] {
  const ranked = mutants
    .map((mutant) => ({ mutant, rank: rankOf(mutant) }))
    .sort((a, b) => (a.rank < b.rank ? -1 : 1));
  const chosen = new Map<string, Mutant>();
  for (const { mutant } of ranked) {
    const place = `${mutant.file}:${String(mutant.line)}`;
    if (chosen.size < size && !chosen.has(place) && valid(mutant)) chosen.set(place, mutant);
  }
  return [...chosen.values()].sort((a, b) =>
    a.file === b.file ? a.line - b.line : a.file < b.file ? -1 : 1,
  );
}

function rankOf({ file, edit, before, after }: Mutant): string {
  return createHash('sha256')
    .update([SEED, file, edit, before.trim(), after.trim()].join('\0'))
    .digest('hex');
}

/** A program's text with a mutant in it. */
export function mutated(text: string, { line, after }: Pick<Mutant, 'line' | 'after'>): string {
  const lines = text.split('\n');
  lines[line - 1] = after;
  return lines.join('\n');
}

/**
 * A program's text that writes a number down where each of the lines is reached, or, where a command cannot begin, at the
 * nearest line before.
 *
 * @param marks of each number the line, from 1
 */
export function marked(text: string, marks: ReadonlyMap<number, number>, record: string): string {
  const lines = programLines(text);
  const added = new Map<number, string>();
  for (const [number, line] of marks) {
    let at = line - 1;
    while (at > 0 && placeOf(lines[at] as ProgramLine) === undefined) at -= 1;
    added.set(at, `${added.get(at) ?? ''}{ echo ${String(number)} >>${record}; } 2>/dev/null || :; `);
  }
  return lines
    .map((line, index) => {
      const mark = added.get(index);
      if (mark === undefined) return `${line.text}\n`;
      const place = placeOf(line) ?? 0;
      return `${line.text.slice(0, place)}${mark}${line.text.slice(place)}\n`;
    })
    .join('');
}

/** Where in a line a command can be put in. */
function placeOf(line: ProgramLine): number | undefined {
  const code = shellOf(line);
  if (!line.begins || code === '' || code.includes('$?') || code.startsWith('case ${2-}')) return undefined;
  const indent = line.text.length - line.text.trimStart().length;
  const oneLine = /^\w+\(\) \{ (?=\S)/.exec(code);
  if (oneLine !== null) return indent + oneLine[0].length;
  const pattern = /^[^()"`]*[^()\s"`]\) (?=[a-z])/.exec(code);
  if (pattern !== null) return indent + pattern[0].length;
  if (/^\w+\(\)|^(?:then|else|elif|fi|do|done|esac|\}|\)|;;)(?:\W|$)|^[^()]*\)/.test(code)) return undefined;
  return indent;
}
