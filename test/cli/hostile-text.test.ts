import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PlainProgress } from '../../lib/cli/progress/plain.js';
import type { RebuildReport } from '../../lib/cli/rebuild/report.js';
import { verdictText } from '../../lib/cli/commands/verify.js';
import { historyText } from '../../lib/cli/text/history.js';
import { jsonText } from '../../lib/cli/text/plan-json.js';
import { planText } from '../../lib/cli/text/plan.js';
import { errorText } from '../../lib/cli/text/problems.js';
import { rebuildReportText } from '../../lib/cli/text/rebuild.js';
import { resultText } from '../../lib/cli/text/result.js';
import { PLAIN } from '../../lib/cli/text/style.js';
import { CitadelError } from '../../lib/manifest/index.js';
import { diagnose, errorDiagnostic, warningDiagnostic } from '../../lib/terraform/provider/diagnostics.js';
import { visible, visibleJson } from '../../lib/text/visible.js';
import { observed, planOf } from './doubles.js';

/** What a terminal obeys, hides or reorders by; line ends are for the renderers to decide. */
const STEERS = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u;
const steering = (text: string): string[] =>
  Array.from(text).filter((char) => STEERS.test(char) && char !== '\n' && char !== '\t');

const SAMPLES = [
  ...['\u001b]0;PWNED\u0007', '\u001b[2J', '\u009b2J', '\r', '\b', '\u007f', '\u202e', '\u2066', '\u061c'],
  ...[
    '\u200b',
    '\u200d',
    '\u200f',
    '\u2060',
    '\ufeff',
    '\u00ad',
    '\u{e0041}',
    '\u2028',
    '\ud800',
    '\n',
    '\t',
  ],
];
const hostile = fc
  .array(fc.oneof(fc.constantFrom(...SAMPLES), fc.string({ unit: 'binary', maxLength: 4 })), { maxLength: 6 })
  .map((parts) => parts.join(''));

function progressOf(text: string): string {
  let written = '';
  const progress = new PlainProgress({ isTerminal: false, write: (said) => (written += said) }, true);
  progress.update('ai-node', text);
  progress.done('ai-node', text, true);
  return written;
}

function reportOf(text: string): RebuildReport {
  const step = { name: 'weights', does: text, estimateSec: 1, outcome: 'failed', seconds: 1, detail: text };
  const model = {
    model: text,
    unit: text,
    port: 1,
    directory: text,
    how: 'missing',
    source: text,
    created: 1,
  };
  return {
    host: 'ai-node',
    outcome: 'failed',
    seconds: 1,
    objectiveSec: 2,
    steps: [step],
    models: [
      {
        ...model,
        bytes: 1,
        seconds: 1,
        skipped: [{ archive: text, why: text }],
        error: text,
        fix: text,
        ageSec: 1,
      },
    ],
    data: (['restored', 'damaged', 'lost', 'kept'] as const).map((how) => ({
      path: `/x${text}`,
      how,
      bytes: 1,
      created: 1,
      parts: [text],
      ageSec: 1,
    })),
    recoveryPoint: { of: text, ageSec: 1 },
    lostData: [{ what: text, fix: text }],
    lostModels: [{ what: text, fix: text }],
    losses: [{ what: text, fix: text }],
    todo: [text],
  } as unknown as RebuildReport;
}

function planWith(text: string) {
  const change = {
    section: 'files',
    key: `/x${text}`,
    action: 'update',
    cause: 'drift',
    diff: `-a\n+${text}`,
  };
  return planOf('ai-node', {
    notes: [text],
    observed: observed({
      debts: [text],
      open: { who: text, since: text, state: text, running: false } as never,
    }),
    changes: [{ ...change, before: { mode: text }, after: { mode: '0644' } } as never],
  });
}

const failed = (text: string) => ({
  host: 'ai-node',
  outcome: 'rolled-back' as const,
  next: text,
  notes: [text],
  failure: { step: text, item: text, origin: text, output: `${text}\n${text}` },
});
const error = (text: string) => new CitadelError({ code: 'x', path: text, got: text, fix: text });
const record = (text: string) => ({ generation: 1, time: text, digest: text, who: text, summary: text });

const RENDERERS: Readonly<Record<string, (text: string) => string>> = {
  progress: progressOf,
  plan: (text) => planText(planWith(text), { where: text }, PLAIN),
  verdict: (text) => verdictText(planWith(text), PLAIN),
  result: (text) => resultText(failed(text) as never, PLAIN),
  history: (text) => historyText('ai-node', [record(text) as never], PLAIN),
  rebuild: (text) => rebuildReportText(reportOf(text), PLAIN),
  error: (text) => errorText(error(text), { env: {} }),
  json: (text) => jsonText({ [text]: [text, failed(text), reportOf(text)] }),
  'diagnostics of a problem': (text) => JSON.parse(said(diagnose(error(text), text, text))) as string,
  'diagnostics of anything else': (text) => JSON.parse(said(diagnose(new Error(text), text))) as string,
  'a diagnostic': (text) =>
    JSON.parse(said([errorDiagnostic(text, text), warningDiagnostic(text, text)])) as string,
};

/** Summaries and details, as Terraform prints them: as they are. */
function said(diagnostics: readonly { summary: string; detail: string }[]): string {
  return JSON.stringify(diagnostics.map(({ summary, detail }) => `${summary}\n${detail}`).join('\n'));
}

describe('what a host says', () => {
  it.each(Object.keys(RENDERERS))('steers no terminal: %s', (name) => {
    const render = RENDERERS[name] ?? String;
    const check = fc.property(hostile, (text) => {
      expect(steering(render(text))).toEqual([]);
    });
    fc.assert(check, { seed: 20261128, numRuns: 300, examples: SAMPLES.map((text) => [text]) });
  });

  it('makes no second line of progress, nor of a report', () => {
    expect(progressOf('x\nai-node: rebuilt')).toBe('ai-node: x\\nai-node: rebuilt\n'.repeat(2));
    expect(rebuildReportText(reportOf('x\nforged'), PLAIN)).not.toMatch(/^forged/m);
  });

  it('keeps the lines of a diagnostic, and tells all it was', () => {
    expect(errorDiagnostic('a\u001b[2J', 'b\nc\u009b\u200b')).toMatchObject({
      summary: 'a\\u001b[2J',
      detail: 'b\nc\\u009b\\u200b',
    });
    expect(visible('\u{e0041}\u00ad\t\n\ud800')).toBe('\\u{e0041}\\u00ad\t\\n\\ud800');
  });

  it('reads the same from JSON', () => {
    fc.assert(
      fc.property(hostile, (text) => {
        expect(JSON.parse(visibleJson(JSON.stringify([text], null, 2)))).toEqual([text]);
      }),
      { seed: 20261128, examples: SAMPLES.map((text) => [text]) },
    );
  });
});
