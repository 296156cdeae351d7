import { VLLM_CHOICES, VLLM_FLAGS, VLLM_SHORT, type FlagKind } from './generated/vllm-flags.js';
import { compareMinors, minorOf, NEWEST, spanAt, when } from './vllm-version.js';
import { suggest } from '../../text/suggest.js';

/** Flags that were gone before the oldest release that is known, and what does the same now. */
const GONE: Readonly<Record<string, string>> = {
  '--cuda-graph-sizes': 'Use --cudagraph-capture-sizes',
  '--device': 'Take it out: the build of vLLM decides',
  '--disable-async-output-proc': 'Take it out',
  '--enable-prompt-adapter': 'Take it out: vLLM has no prompt adapters any more',
  '--enable-reasoning': 'Take it out: reasoningParser is enough',
  '--guided-decoding-backend': 'Use --structured-outputs-config with {"backend": …}',
  '--max-seq-len-to-capture': 'Use --max-cudagraph-capture-size',
  '--multi-step-stream-outputs': 'Take it out',
  '--num-lookahead-slots': 'Take it out: --speculative-config says it',
  '--num-scheduler-steps': 'Take it out: the present scheduler needs no steps',
  '--num-speculative-tokens': 'Use --speculative-config with {"num_speculative_tokens": …}',
  '--preemption-mode': 'Take it out',
  '--rope-scaling': 'Use --hf-overrides with {"rope_parameters": …}',
  '--rope-theta': 'Use --hf-overrides with {"rope_parameters": …}',
  '--scheduler-delay-factor': 'Take it out',
  '--speculative-model': 'Use --speculative-config with {"model": …}',
  '--task': 'Use --runner, and --convert where the weights are for something else',
  '--use-v2-block-manager': 'Take it out',
  '--worker-use-ray': 'Take it out',
};

/** What does the same where a release that is known dropped a flag. */
const INSTEAD: Readonly<Record<string, string>> = {
  '--disable-log-requests': 'Take it out: requests are not logged by default',
  '--swap-space': 'Take it out: the present engine swaps nothing',
};

export type FlagAnswer =
  | { readonly known: FlagKind }
  /** What is wrong, after the flag's name, and what to do. */
  | { readonly got: string; readonly fix: string };

/**
 * What a release says to a flag in its long form, `--no-…` and beginnings included: argparse takes a beginning that only
 * one flag has for that flag.
 *
 * @param version of vLLM; without one, any release that is known may have it
 */
export function askFlag(flag: string, version: string | undefined): FlagAnswer {
  const exact = kindOf(flag, version);
  if (exact !== undefined) return { known: exact };
  const gone = GONE[flag];
  if (gone !== undefined) return { got: `is retired: vLLM has had none since before 0.13`, fix: gone };
  const spans = VLLM_FLAGS[flag] ?? VLLM_FLAGS[positive(flag)];
  if (spans !== undefined && kindOf(flag, undefined) !== undefined) {
    const has = `vLLM ${when(spans)}`;
    return {
      got: `is not in vLLM ${version ?? NEWEST}, which the requirements pin: ${has} has it`,
      fix: INSTEAD[flag] ?? 'Take it out, or pin a release that has it',
    };
  }
  const begins = flagsOf(version).filter((known) => known.startsWith(flag));
  const [only] = begins;
  if (begins.length === 1 && only !== undefined)
    return { got: `is short for ${only}, which another release may read otherwise`, fix: `Write ${only}` };
  if (begins.length > 1) return { got: `can be short for ${few(begins)}`, fix: 'Write the flag whole' };
  const near = suggest(flag, flagsOf(version));
  // A release that no one has read may have flags that no one here knows.
  if (near === undefined && version !== undefined && compareMinors(minorOf(version), NEWEST) > 0)
    return { known: 'value' };
  return {
    got: `is no flag of vLLM ${version ?? `${NEWEST} or of any release before it that is known`}`,
    fix: near === undefined ? 'See "vllm serve --help=all" of that version' : `Did you mean ${near}?`,
  };
}

/** Long flags that a beginning can mean; the flag itself where it is one. */
export function meanings(flag: string, version: string | undefined): string[] {
  if (kindOf(flag, version) !== undefined) return [positiveOf(flag, version)];
  const begins = flagsOf(version).filter((known) => known.startsWith(flag));
  return [...new Set(begins.map((known) => positiveOf(known, version)))];
}

/** Whether a release has a flag; an unknown version is taken for one that has what the newest has. */
export function hasFlag(flag: string, version: string | undefined): boolean {
  return kindOf(flag, version ?? NEWEST) !== undefined;
}

/** Whether a flag takes several words, in the newest release that has it. */
export function isList(flag: string): boolean {
  return at(flag, undefined) === 'list';
}

/** A flag's long form, for `-tp` and the like. */
export function longForm(flag: string): string {
  return VLLM_SHORT[flag] ?? flag;
}

/** Releases that have a flag: `from 0.29`. */
export function flagIsIn(flag: string): string {
  return `vLLM ${when(VLLM_FLAGS[flag] ?? [])}`;
}

/**
 * What is wrong with a value of a flag that takes one of few, or `undefined`.
 *
 * @param version of vLLM; without one, values of any release that is known pass
 */
export function choiceProblem(
  flag: string,
  value: string,
  version: string | undefined,
): { readonly got: string; readonly fix: string } | undefined {
  const choices = VLLM_CHOICES[flag] ?? {};
  const spans = Object.hasOwn(choices, value) ? choices[value] : undefined;
  if (spans !== undefined && (version === undefined || spanAt(spans, minorOf(version)) !== undefined)) return;
  if (version !== undefined && compareMinors(minorOf(version), NEWEST) > 0) return;
  const here = Object.keys(choices).filter(
    (choice) => version === undefined || spanAt(choices[choice] ?? [], minorOf(version)) !== undefined,
  );
  const got = `${JSON.stringify(value)} is not known to vLLM ${version ?? NEWEST}`;
  if (spans !== undefined)
    return { got: `${got}, which the requirements pin: vLLM ${when(spans)} has it`, fix: oneOf(here) };
  const near = suggest(value, here);
  return { got, fix: near === undefined ? oneOf(here) : `Did you mean ${JSON.stringify(near)}?` };
}

function kindOf(flag: string, version: string | undefined): FlagKind | undefined {
  const own = at(flag, version);
  if (own !== undefined) return own;
  const off = at(positive(flag), version);
  return off === 'switch' && flag.startsWith('--no-') ? 'on' : undefined;
}

function at(flag: string, version: string | undefined): FlagKind | undefined {
  const spans = Object.hasOwn(VLLM_FLAGS, flag) ? VLLM_FLAGS[flag] : undefined;
  if (spans === undefined) return undefined;
  return version === undefined ? spans[spans.length - 1]?.[0] : spanAt(spans, minorOf(version));
}

/** All that a release takes, `--no-…` included. */
function flagsOf(version: string | undefined): string[] {
  return Object.keys(VLLM_FLAGS).flatMap((flag) => {
    const kind = at(flag, version);
    if (kind === undefined) return [];
    return kind === 'switch' ? [flag, `--no-${flag.slice(2)}`] : [flag];
  });
}

function positive(flag: string): string {
  return flag.startsWith('--no-') ? `--${flag.slice('--no-'.length)}` : flag;
}

function positiveOf(flag: string, version: string | undefined): string {
  return at(flag, version) === undefined ? positive(flag) : flag;
}

function few(flags: readonly string[]): string {
  return flags.length > 4 ? `${flags.slice(0, 4).join(', ')} and others` : flags.join(', ');
}

function oneOf(choices: readonly string[]): string {
  return `Use one of: ${[...choices].sort().join(', ')}`;
}
