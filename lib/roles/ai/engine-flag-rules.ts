import type { OwnProblem } from '../../constructs/host/index.js';
import { wordsOf, type EngineFlags, type ExtraArgument } from './engine-flags.js';
import { askFlag, choiceProblem, flagIsIn, hasFlag, longForm, meanings } from './known-flags.js';
import { OWN, refusal, REFUSED_VALUES } from './service-flags.js';

/** Metrics that vLLM renamed or dropped: name → what it is called now. */
export const RETIRED_METRICS: Readonly<Record<string, string | undefined>> = {
  'vllm:gpu_cache_usage_perc': 'vllm:kv_cache_usage_perc',
  'vllm:gpu_prefix_cache_hits': 'vllm:prefix_cache_hits',
  'vllm:gpu_prefix_cache_queries': 'vllm:prefix_cache_queries',
  'vllm:gpu_prefix_cache_hit_rate': undefined,
  'vllm:time_per_output_token_seconds': 'vllm:inter_token_latency_seconds',
  'vllm:num_requests_swapped': undefined,
  'vllm:cpu_cache_usage_perc': undefined,
};

/** What of a service decides about its flags. */
export interface GivenFlags {
  readonly flags: EngineFlags;
  readonly quantization?: string | undefined;
  readonly shutdownTimeoutSec?: number | undefined;
  readonly maxModelLen?: number | string | undefined;
  /** Version of vLLM; without one, a flag passes that any known release has. */
  readonly version?: string | undefined;
}

/** Problems of the flags that a service is given, by its own properties and beyond them. */
export function engineFlagProblems(given: GivenFlags): OwnProblem[] {
  const extra = given.flags.extraArguments ?? [];
  return [
    ...propertyProblems(given),
    ...extra.flatMap((argument, index) => {
      const property = `flags.extraArguments[${index}]`;
      const found = flagProblem(argument, extra.slice(0, index), given.version) ?? retired(argument);
      return found === undefined ? [] : [{ property, ...found }];
    }),
  ];
}

type Found = Pick<OwnProblem, 'code' | 'got' | 'fix'>;

/** Properties whose flag or value the pinned release does not have. */
function propertyProblems({ flags, version, ...own }: GivenFlags): OwnProblem[] {
  const problems: OwnProblem[] = [];
  const lacking: readonly (readonly [property: string, flag: string, given: unknown])[] = [
    ['flags.maxNumQueuedRequests', '--max-num-queued-reqs', flags.maxNumQueuedRequests],
    ['shutdownTimeoutSec', '--shutdown-timeout', own.shutdownTimeoutSec],
  ];
  for (const [property, flag, value] of lacking) {
    if (value === undefined || hasFlag(flag, version)) continue;
    problems.push({
      code: 'construct.model.flag-version',
      property,
      got: `vLLM ${version ?? ''}, which the requirements pin, has no ${flag}: ${flagIsIn(flag)} has it`,
      fix: 'Take it out, or pin a release that has it',
    });
  }
  const extra = (flags.extraArguments ?? []).map(({ flag }) => canonical(flag));
  const chosen: readonly (readonly [property: string, flag: string, value: string | undefined])[] = [
    ['flags.dtype', '--dtype', flags.dtype],
    ['flags.kvCacheDtype', '--kv-cache-dtype', flags.kvCacheDtype],
    ['quantization', '--quantization', own.quantization],
    // A plug-in brings parsers of its own.
    ...(extra.includes('--tool-parser-plugin')
      ? []
      : [['flags.toolCallParser', '--tool-call-parser', flags.toolCallParser] as const]),
    ...(extra.includes('--reasoning-parser-plugin')
      ? []
      : [['flags.reasoningParser', '--reasoning-parser', flags.reasoningParser] as const]),
  ];
  for (const [property, flag, value] of chosen) {
    const found = value === undefined ? undefined : choiceProblem(flag, value, version);
    if (found !== undefined) problems.push({ code: 'construct.model.choice', property, ...found });
  }
  if (typeof own.maxModelLen === 'string' && !hasFlagWord(own.maxModelLen, version)) {
    problems.push({
      code: 'construct.model.flag-version',
      property: 'maxModelLen',
      got: `vLLM ${version ?? ''}, which the requirements pin, does not take "auto": vLLM from 0.14 does`,
      fix: 'Give a number of tokens',
    });
  }
  return problems;
}

/** `auto` came with the release that also dropped nothing else of the table, so it has no row there. */
function hasFlagWord(length: string, version: string | undefined): boolean {
  return length !== 'auto' || version === undefined || !/^0\.13(\.|$)/.test(version);
}

function flagProblem(
  argument: ExtraArgument,
  before: readonly ExtraArgument[],
  version: string | undefined,
): Found | undefined {
  const { flag } = argument;
  if (!/^--?[A-Za-z][A-Za-z0-9._-]*$/.test(flag)) {
    return {
      code: 'construct.model.flag',
      got: `${JSON.stringify(flag)} is not one flag`,
      fix: 'Give the flag alone, as --seed, and what comes after it as value',
    };
  }
  const name = canonical(flag);
  const meant = meanings(name, version);
  return (
    refused(flag, name, meant) ??
    owned(flag, name, meant) ??
    unknown(flag, name, version) ??
    twice(argument, name, before, version) ??
    valueProblem(argument, name, version)
  );
}

/** To say that something dangerous is off is no danger. */
function refused(flag: string, name: string, meant: readonly string[]): Found | undefined {
  if (name.startsWith('--no-') && refusal(positive(name)) !== undefined) return undefined;
  const found = refusal(name) ?? meant.map(refusal).find((each) => each !== undefined);
  if (found === undefined) return undefined;
  const [got, fix] = found;
  const code = got.startsWith('is retired') ? 'construct.model.flag-retired' : 'construct.model.flag-refused';
  return { code, got: `${flag} ${got}`, fix };
}

function owned(flag: string, name: string, meant: readonly string[]): Found | undefined {
  const whole = [name, positive(name)].find((each) => Object.hasOwn(OWN, each));
  const long = whole ?? meant.find((each) => Object.hasOwn(OWN, each));
  if (long === undefined) return undefined;
  return {
    code: 'construct.model.flag-own',
    got:
      whole === undefined
        ? `${flag} is short for ${long}, which the service sets itself`
        : `${flag} is set by the service itself`,
    fix: `Give it as ${OWN[long] ?? ''}`,
  };
}

function unknown(flag: string, name: string, version: string | undefined): Found | undefined {
  const answer = askFlag(name, version);
  if ('known' in answer) return undefined;
  return { code: 'construct.model.flag-unknown', got: `${flag} ${answer.got}`, fix: answer.fix };
}

/** A list may be given in pieces, which are put together; and some flags are there to be repeated. */
function twice(
  { flag }: ExtraArgument,
  name: string,
  before: readonly ExtraArgument[],
  version: string | undefined,
): Found | undefined {
  const answer = askFlag(name, version);
  const many = 'known' in answer && (answer.known === 'list' || answer.known === 'append');
  if (many || !before.some((other) => whole(other.flag) === whole(flag))) return undefined;
  return { code: 'construct.model.flag-twice', got: `${flag} stands here twice`, fix: 'Keep one of them' };
}

function valueProblem(argument: ExtraArgument, name: string, version: string | undefined): Found | undefined {
  const { flag } = argument;
  const answer = askFlag(name, version);
  const kind = 'known' in answer ? answer.known : 'value';
  const values = wordsOf(argument);
  const problem = (got: string, fix: string): Found => ({
    code: 'construct.model.flag-value',
    got: `${flag} ${got}`,
    fix,
  });
  const dangerous = values.map((value) => REFUSED_VALUES[name]?.[value]).find((each) => each !== undefined);
  if (dangerous !== undefined)
    return {
      code: 'construct.model.flag-refused',
      got: `${flag} ${values.join(' ')} ${dangerous[0]}`,
      fix: dangerous[1],
    };
  if ((kind === 'on' || kind === 'switch') && values.length > 0)
    return problem('takes no value', 'Take the value out');
  if ((kind === 'value' || kind === 'append') && values.length > 1)
    return problem('takes one value', 'Give one');
  if (
    kind !== 'on' &&
    kind !== 'switch' &&
    kind !== 'optional' &&
    values.length === 0 &&
    isKnown(name, version)
  )
    return problem('needs a value', 'Give it as value');
  if (values.length > 1 && values.some((value) => value.startsWith('-')))
    return problem('cannot take a list with a value that begins with a dash', 'Leave that value out');
  return undefined;
}

/** A flag of a release that no one has read passes with and without a value. */
function isKnown(name: string, version: string | undefined): boolean {
  return meanings(name, version).length > 0;
}

/** `--x` for `--no-x`. */
function positive(name: string): string {
  return name.startsWith('--no-') ? `--${name.slice('--no-'.length)}` : name;
}

/** `--gpu_memory_utilization`, `--limit-mm-per-prompt.image` and `-tp` are other spellings of flags. */
function canonical(flag: string): string {
  const [head = ''] = flag.split('.');
  return longForm(head.replaceAll('_', '-'));
}

/** With the key of a JSON value that it sets: `--hf-overrides.rope_theta`. */
function whole(flag: string): string {
  const [, ...keys] = flag.split('.');
  return [canonical(flag), ...keys].join('.');
}

function retired(argument: ExtraArgument): Found | undefined {
  const values = wordsOf(argument);
  const name = Object.keys(RETIRED_METRICS).find((metric) => values.some((value) => value.includes(metric)));
  if (name === undefined) return undefined;
  const now = RETIRED_METRICS[name];
  return {
    code: 'construct.model.metric-retired',
    got: `${name} is a retired metric`,
    fix: now === undefined ? 'Take it out; vLLM has no such metric any more' : `It is called ${now} now`,
  };
}
