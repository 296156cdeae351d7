import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  environment,
  exec,
  renderUnitFile,
  specifier,
  unitText,
  variable,
  words,
} from '../../lib/render/index.js';
import { hostileText } from './hostile.js';
import { loadUnits, systemdMissing } from './real-systemd.js';

const text = (argv: Parameters<typeof exec>[0], options?: Parameters<typeof exec>[1]) =>
  exec(argv, options).toString();

describe('exec', () => {
  it.each([
    [['/bin/true'], '/bin/true'],
    [['/bin/echo', 'a b', '', "it's"], `/bin/echo "a b" "" "it's"`],
    [['/bin/echo', '$HOME', '${X}', '100%', '%h'], '/bin/echo $$HOME $${X} 100%% %%h'],
    [['/bin/echo', '"', '\\', '\n', '\t', '\u0001'], String.raw`/bin/echo "\"" "\\" "\n" "\t" "\x01"`],
    [['/bin/echo', ';', '#', '-'], '/bin/echo ";" "#" -'],
    [
      ['/bin/echo', variable('PORT'), ['--port=', variable('PORT')], ['/srv/', specifier('%i')]],
      '/bin/echo ${PORT} --port=${PORT} /srv/%i',
    ],
    [['/bin/echo', ['a b ', variable('X'), '$']], '/bin/echo "a b ${X}$$"'],
    [['/opt/my tools/x', 8000], '"/opt/my tools/x" 8000'],
    [['python3', '-V'], 'python3 -V'],
  ])('%j', (argv, expected) => {
    expect(text(argv)).toBe(expected);
  });

  it('writes prefixes where systemd looks for them', () => {
    expect(text(['/bin/x', '$A'], { prefix: '-' })).toBe('-/bin/x $$A');
    expect(text(['/opt/a b'], { prefix: '-+' })).toBe('"-+/opt/a b"');
    expect(text(['/bin/x', '$A'], { prefix: ':' })).toBe(':/bin/x $A');
    expect(text(['/bin/x'], { prefix: '!!' })).toBe('!!/bin/x');
  });

  it('puts long commands on several lines, flags with their values', () => {
    const long = text([
      '/usr/bin/python3',
      '-m',
      'vllm.entrypoints.openai.api_server',
      '--model',
      '/opt/citadel/models/phi3',
      '--trust-remote-code',
      '--port',
      11403,
    ]);
    expect(long).toBe(
      [
        '/usr/bin/python3',
        '-m vllm.entrypoints.openai.api_server',
        '--model /opt/citadel/models/phi3',
        '--trust-remote-code',
        '--port 11403',
      ].join(' \\\n    '),
    );
  });

  it.each([
    [
      () => exec([]),
      'program: "" is neither an absolute path nor a plain name. Give the absolute path of the program as the first argument.',
    ],
    [
      () => exec(['bin/x']),
      'program: "bin/x" is neither an absolute path nor a plain name. Give the absolute path of the program as the first argument.',
    ],
    [
      () => exec(['/opt/$x']),
      'program: "/opt/$x" has a "$" in its path. Give the absolute path of the program as the first argument.',
    ],
    [
      () => exec([variable('X')]),
      'program: "X" is named by a variable, which systemd does not allow. Give the absolute path of the program as the first argument.',
    ],
    [() => exec(['/bin/x\n']), 'program: "/bin/x\\n" has a line end inside. Give one line.'],
    [() => exec(['/bin/x', 'a\0']), 'argument 1: "a\\u0000" has a NUL character. Take it out.'],
    [() => exec(['/bin/x', '\ud800']), 'argument 1: "\\ud800" is not well-formed Unicode. Correct the text.'],
    [
      () => exec(['/bin/x'], { prefix: '--' }),
      'prefix: "--" is not a set of prefixes of a command. Use "-", ":", and one of "+", "!" and "!!".',
    ],
    [
      () => exec(['/bin/x', variable('A')], { prefix: ':' }),
      'argument 1: ${A} is not replaced in a command with the prefix ":". Take the prefix or the variable away.',
    ],
    [
      () => variable('A B'),
      'variable: "A B" is not the name of an environment variable. Use letters, digits and "_", not starting with a digit.',
    ],
  ])('refuses %s', (run, message) => {
    expect(run).toThrow(message);
  });

  it('arrives byte for byte, by an independent reading of systemd.service(5)', () => {
    fc.assert(
      fc.property(fc.array(hostileText, { maxLength: 5 }), (args) => {
        expect(readCommand(text(['/bin/x', ...args]))).toEqual(['/bin/x', ...args]);
      }),
      { numRuns: 2000 },
    );
  });

  const missing = systemdMissing();
  it.skipIf(missing !== undefined)(
    `arrives byte for byte in the real systemd${missing === undefined ? '' : ` (${missing})`}`,
    () => {
      const all = fc.sample(fc.array(hostileText, { minLength: 1, maxLength: 6 }), 200);
      const files = Object.fromEntries(
        all.map((args, index) => [
          `case${index}.service`,
          renderUnitFile({
            Service: { Type: 'oneshot', ExecStart: [exec(['/bin/x', ...args]), exec(['/bin/y'])] },
          }),
        ]),
      );
      const loaded = loadUnits(files);
      all.forEach((args, index) => {
        // systemd shows words before it replaces variables: there, $$ still stands for $.
        const commands = loaded
          .get(`case${index}.service`)
          ?.commands.map((argv) => argv.map((word) => word.replaceAll('$$', '$')));
        expect(commands).toEqual([['/bin/x', ...args], ['/bin/y']]);
      });
    },
  );
});

describe('environment, words and unitText', () => {
  it('quote for their keys', () => {
    expect(environment({ B: '%x "q"\n', A: 1 }).map(String)).toEqual(['"A=1"', String.raw`"B=%%x \"q\"\n"`]);
    expect(words(['/a b', '/c%', '/d"\\', '']).toString()).toBe(String.raw`"/a b" /c%% "/d\"\\" ""`);
    expect(unitText('/srv/100%/', specifier('%i')).toString()).toBe('/srv/100%%/%i');
  });

  it('refuse what cannot be said', () => {
    expect(() => words(['a\nb'])).toThrow('word 1: "a\\nb" has a line end inside. Give one line.');
    expect(() => environment({ 'A B': '' })).toThrow(
      'variable: "A B" is not the name of an environment variable.',
    );
  });
});

/** What systemd makes of a command line: join continued lines, split and unquote, specifiers, then variables. */
function readCommand(source: string): string[] {
  const line = source
    .split(' \\\n')
    .map((part) => part.trimStart())
    .filter((part, index) => index === 0 || !/^[#;]/.test(part))
    .join(' ');
  const read: string[] = [];
  let rest = line;
  while (rest !== '') {
    if (/^;(\s|$)/.test(rest)) throw new Error(`a second command begins in ${line}`);
    const word = /^(?:"((?:[^"\\]|\\.)*)"|([^\s"'\\]+))(?:[ \t]+|$)/u.exec(rest);
    if (word === null) throw new Error(`cannot read ${JSON.stringify(rest)}`);
    rest = rest.slice(word[0].length);
    const unquoted = (word[1] ?? word[2] ?? '').replace(/\\(x[0-9a-f]{2}|.)/gu, (_, code: string) =>
      code.startsWith('x')
        ? String.fromCharCode(Number.parseInt(code.slice(1), 16))
        : ({ n: '\n', r: '\r', t: '\t' }[code] ?? code),
    );
    read.push(unquoted.replace(/%(.)/gu, specifierValue).replace(/\$(.)/gu, variableValue));
  }
  return read;
}

function specifierValue(_all: string, letter: string): string {
  if (letter !== '%') throw new Error(`a specifier %${letter}`);
  return '%';
}

function variableValue(_all: string, letter: string): string {
  if (letter !== '$') throw new Error(`a variable $${letter}`);
  return '$';
}
