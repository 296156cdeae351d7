import { afterEach, describe, expect, it, vi } from 'vitest';
import { LiveProgress } from '../../lib/cli/progress/live.js';
import { colourFor } from '../../lib/cli/text/colour.js';
import { makeStyle } from '../../lib/cli/text/style.js';
import { call, differing } from './call.js';

const ESCAPE = '\u001b[';
const sink = (isTerminal: boolean): { isTerminal: boolean; write: () => void } => ({
  isTerminal,
  write: () => undefined,
});

describe('colourFor', () => {
  it.each<[string, boolean, Record<string, string>, boolean, boolean?]>([
    ['a pipe', false, {}, false],
    ['a pipe in CI', false, { CI: 'true', GITHUB_ACTIONS: 'true' }, false],
    ['a terminal', true, {}, true],
    ['a terminal in CI', true, { CI: 'true' }, true],
    ['a terminal without colours', true, { TERM: 'dumb' }, false],
    ['a pipe, forced', false, { FORCE_COLOR: '1' }, true],
    ['a terminal without colours, forced', true, { TERM: 'dumb', FORCE_COLOR: '3' }, true],
    ['a terminal, forced to none', true, { FORCE_COLOR: '0' }, false],
    ['a terminal, forced to none in words', true, { FORCE_COLOR: 'false' }, false],
    ['a pipe and an empty FORCE_COLOR', false, { FORCE_COLOR: '' }, false],
    ['a terminal and NO_COLOR', true, { NO_COLOR: '1' }, false],
    ['a terminal and an empty NO_COLOR', true, { NO_COLOR: '' }, true],
    ['NO_COLOR against FORCE_COLOR', true, { NO_COLOR: '1', FORCE_COLOR: '1' }, false],
    ['--no-color on a terminal', true, {}, false, false],
    ['--no-color against FORCE_COLOR', false, { FORCE_COLOR: '1' }, false, false],
  ])('%s', (_name, terminal, env, expected, color) => {
    expect(colourFor(sink(terminal), { env }, color === undefined ? {} : { color })).toBe(expected);
  });
});

describe('the streams', () => {
  afterEach(() => vi.unstubAllEnvs());

  it('are judged each by itself, and not by the environment of this process', async () => {
    vi.stubEnv('CI', 'true');
    vi.stubEnv('FORCE_COLOR', '1');
    const plans = { alpha: differing };
    const { printed } = await call('diff alpha', { engine: { plans }, env: { CI: 'true' } });
    expect(printed.out).not.toContain(ESCAPE);
    // Next to JSON the plan goes to standard error, which is no terminal here although standard output is one.
    const asked = await call('apply alpha --json', { engine: { plans }, terminal: true, answer: false });
    expect(asked.printed.err).toContain('/etc/motd');
    expect(asked.printed.err).not.toContain(ESCAPE);
    expect(asked.colours).toEqual([false]);
  });
});

describe('the moving display', () => {
  afterEach(() => vi.restoreAllMocks());

  it.each([true, false])('is coloured: %s', async (coloured) => {
    let shown = '';
    vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
      shown += String(text);
      return true;
    });
    const progress = new LiveProgress(['alpha', 'beta'], makeStyle(coloured));
    progress.update('alpha', 'switch');
    await vi.waitFor(() => expect(shown).toContain('alpha: switch'), { timeout: 10_000 });
    progress.done('alpha', 'done', true);
    progress.done('beta', 'rolled-back', false);
    await progress.stop();
    // eslint-disable-next-line no-control-regex -- that is what is looked for
    expect(/\u001b\[3[0-9]m/.test(shown)).toBe(coloured);
    expect(shown).toContain('beta: rolled-back');
  });
});
