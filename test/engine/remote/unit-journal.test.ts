import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { withFault } from '../support/faults.js';
import { runText } from '../support/run-text.js';

let dir: string;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'citadel-journal-'));
  mkdirSync(join(dir, 'ops'));
});
afterEach(() => rmSync(dir, { recursive: true }));

/** What a check of a failed unit says, whose journal of this start is `lines`; `before` is of the starts before it. */
function said(lines: readonly string[], before: readonly string[] = []): string[] {
  writeFileSync(join(dir, 'this'), lines.map((line) => `${line}\n`).join(''));
  writeFileSync(join(dir, 'all'), [...before, ...lines].map((line) => `${line}\n`).join(''));
  const stubs = {
    systemctl: 'case $1 in show) echo 0123456789abcdef0123456789abcdef ;; *) echo failed; exit 3 ;; esac',
    journalctl: `case $* in *_SYSTEMD_INVOCATION_ID=0123456789abcdef0123456789abcdef*) cat '${dir}/this' ;; *) tail -n 15 '${dir}/all' ;; esac`,
  };
  for (const [name, text] of Object.entries(stubs)) {
    writeFileSync(join(dir, name), `#!/bin/sh\n${text}\n`);
    chmodSync(join(dir, name), 0o755);
  }
  const script = withFault(`DIR='${dir}'
PATH='${dir}':$PATH
check_unit citadel-phi3.service
cat "$DIR/words"
exit 0
`);
  return runText(script, ['']).stdout.toString('utf8').trimEnd().split('\n');
}

const CAUSE =
  '(EngineCore pid=972) ERROR 11-28 [core.py:1] torch._inductor.exc.InductorError: InvalidCxxCompiler: No working C++ compiler found';
const NOISE = Array.from(
  { length: 300 },
  (_, index) => `(EngineCore pid=972) ERROR 11-28 [core.py:${index}]   File "x.py"`,
);
const LAST = 'RuntimeError: Engine core initialization failed. See root cause above.';

describe('a unit that failed', () => {
  it('is told with the error that came first, however far above its last words', () => {
    const words = said(['INFO starting', CAUSE, ...NOISE, LAST]);
    expect(words[0]).toBe('citadel-phi3.service is failed');
    expect(words[1]).toBe(`first error: ${CAUSE}`);
    expect(words).toHaveLength(17);
    expect(words.at(-1)).toBe(LAST);
  });

  it('is told once what stands among its last words', () => {
    expect(said(['INFO starting', CAUSE, LAST])).toEqual([
      'citadel-phi3.service is failed',
      'INFO starting',
      CAUSE,
      LAST,
    ]);
  });

  it('is not blamed for an error of a start before', () => {
    const words = said([...NOISE, 'ended'], ['ValueError: of yesterday']);
    expect(words.join('\n')).not.toContain('first error');
  });

  it.each([
    'panic: runtime error: invalid memory address',
    'FATAL: could not open the file "x"',
    'java.lang.IllegalStateException: no such bean',
  ])('of another program is understood: %s', (line) => {
    expect(said([line, ...NOISE])[1]).toBe(`first error: ${line}`);
  });

  it('that only logs at the level of errors has no first one', () => {
    expect(said(['ERROR nothing came', 'no errors: fine', ...NOISE]).join('\n')).not.toContain('first error');
  });
});
