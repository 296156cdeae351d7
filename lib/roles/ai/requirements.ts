import type { OwnProblem } from '../../constructs/host/index.js';

/** Digits of the digests that pip takes and that no one can forge. */
const HASHES: Readonly<Record<string, number>> = { sha256: 64, sha384: 96, sha512: 128 };

/** Options of a whole requirements file that say where packages come from; each takes a URL. */
const INDEX_OPTIONS = new Set(['-i', '--index-url', '--extra-index-url', '-f', '--find-links']);

/** `name[extra,extra] == version`, or `name @ url`, before any marker: what PEP 508 and 440 allow, with an exact version. */
const NAME = /^([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)\s*(?:\[[A-Za-z0-9._,\s-]*\])?\s*(.*)$/s;
const PIN = /^===?\s*[A-Za-z0-9][A-Za-z0-9.!+_-]*$/;
const REMEDY =
  'Write the file with: uv pip compile --generate-hashes --output-file requirements.txt requirements.in';

interface Line {
  /** Number of its first line in the file, from 1. */
  readonly number: number;
  readonly text: string;
}

/**
 * What is wrong with a requirements file that an environment shall be made from, line by line: every requirement must
 * be pinned to one version and name at least one strong hash, so that the same file always gives the same environment and
 * no one can put another package in between. Follows pip's own reading: comments, `\` at a line's end, options.
 *
 * @param file name for messages
 */
export function requirementProblems(file: string, text: string): OwnProblem[] {
  const lines = logicalLines(text);
  const requirements = lines.filter((line) => !line.text.startsWith('-'));
  const found = lines.flatMap((line) =>
    (line.text.startsWith('-') ? optionProblems(line.text) : lineProblems(line.text)).map(
      ([code, got, fix = REMEDY]): OwnProblem => ({
        code: `construct.requirements.${code}`,
        property: `${file}:${line.number}`,
        got,
        fix,
      }),
    ),
  );
  if (requirements.length === 0) {
    found.push({
      code: 'construct.requirements.empty',
      property: file,
      got: 'the file names no package',
      fix: REMEDY,
    });
  }
  return [...found, ...repeated(file, requirements)];
}

/** Lines as pip sees them: joined where one ends in a backslash, without comments and blank lines. */
function logicalLines(text: string): Line[] {
  const lines: Line[] = [];
  let open: Line | undefined;
  for (const [index, raw] of text.split(/\r?\n/).entries()) {
    const comment = /^\s*#/.test(raw);
    // A comment line ends what was continued, as in pip.
    const joined: Line =
      open === undefined ? { number: index + 1, text: raw } : { ...open, text: open.text + raw };
    if (!comment && raw.endsWith('\\')) {
      open = { ...joined, text: `${joined.text.slice(0, -1)} ` };
      continue;
    }
    const whole = comment ? (open ?? joined) : joined;
    open = undefined;
    lines.push(whole);
  }
  if (open !== undefined) lines.push(open);
  return lines
    .map((line) => ({ ...line, text: line.text.replace(/(^|\s)#.*$/s, '').trim() }))
    .filter((line) => line.text !== '');
}

type Found = readonly [code: string, got: string, fix?: string];

function optionProblems(text: string): Found[] {
  const [option = '', value = ''] = text.split(/[\s=]+/, 2);
  if (option === '--no-index' || option === '--prefer-binary') return [];
  if (!INDEX_OPTIONS.has(option)) {
    return [
      [
        'option',
        `${JSON.stringify(option)} has no place here`,
        'Put everything into one file of pinned lines',
      ],
    ];
  }
  if (/^https:\/\/[^\s@]+$/.test(value)) return [];
  return [
    [
      'index',
      `${JSON.stringify(value)} is not an https URL without a password`,
      'Name the index by its https URL',
    ],
  ];
}

function lineProblems(text: string): Found[] {
  const [body = '', ...options] = text.split(/\s+(?=--)/);
  const [specifier = ''] = body.split(/\s*;/, 1);
  const match = NAME.exec(specifier.trim());
  if (match === null) return [['unreadable', `${JSON.stringify(shortened(text))} is not a requirement`]];
  const [, name = '', version = ''] = match;
  const problems: Found[] = [];
  if (!isPinned(version.trim())) {
    const asked = version.trim() === '' ? 'any version' : JSON.stringify(shortened(version.trim()));
    problems.push(['unpinned', `${name} is not pinned to one version: ${asked}`]);
  }
  if (options.length === 0) problems.push(['unhashed', `${name} has no hash`]);
  for (const option of options) {
    const fault = optionFault(option.trim());
    if (fault !== undefined) problems.push(['hash', `${name}: ${fault}`]);
  }
  return problems;
}

function isPinned(version: string): boolean {
  return PIN.test(version) || /^@\s*(https|file):\/\/\S+$/.test(version);
}

function optionFault(option: string): string | undefined {
  const match = /^--hash[=\s]\s*([a-z0-9]+):([0-9a-f]+)$/.exec(option);
  if (match === null) return `${JSON.stringify(shortened(option))} is not a --hash=sha256:…`;
  const [, algorithm = '', digits = ''] = match;
  const wanted = Object.hasOwn(HASHES, algorithm) ? HASHES[algorithm] : undefined;
  if (wanted === undefined) return `${algorithm} is not one of ${Object.keys(HASHES).join(', ')}`;
  if (digits.length !== wanted)
    return `a ${algorithm} has ${wanted} hexadecimal digits, not ${digits.length}`;
  return undefined;
}

/** pip refuses a package that is named twice; with markers both may be meant for different machines. */
function repeated(file: string, lines: readonly Line[]): OwnProblem[] {
  const first = new Map<string, number>();
  return lines.flatMap((line) => {
    if (/;/.test(line.text.split(/\s+--/, 1)[0] ?? '')) return [];
    const name = (NAME.exec(line.text)?.[1] ?? '').toLowerCase().replace(/[-_.]+/g, '-');
    const before = first.get(name);
    if (before === undefined) {
      first.set(name, line.number);
      return [];
    }
    return [
      {
        code: 'construct.requirements.twice',
        property: `${file}:${line.number}`,
        got: `${name} is in line ${before} already`,
        fix: 'Keep one of the lines',
      },
    ];
  });
}

function shortened(text: string): string {
  return text.length > 80 ? `${text.slice(0, 77)}…` : text;
}
