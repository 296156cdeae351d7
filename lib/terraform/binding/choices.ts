import { CitadelError } from '../../manifest/problem.js';

/** What a person may choose about synthesis: in the environment, or for everybody as "context" in cdktf.json. */
export interface Choices {
  /** The library that synthesises: cdktf, or its continuation CDK Terrain. */
  readonly cdk: 'cdktf' | 'cdktn';
  /** How Terraform reaches the engine: through our provider, or by `local-exec` with HashiCorp's providers only. */
  readonly binding: 'provider' | 'exec';
  /** Which hosts share a stack: "host" (each its own), "all", or groups of the inventory as "@web,@db". */
  readonly stacks: string;
  /** With `exec`: another value runs the apply again although no document changed. */
  readonly nonce?: string;
}

/** cdktf's command line hands the context on in this variable, before it starts the app. */
const CONTEXT = 'CDKTF_CONTEXT_JSON';

/**
 * The environment wins over the context. An empty value is none.
 *
 * @throws CitadelError for a word that is no choice
 */
export function choicesOf(env: Readonly<Record<string, string | undefined>>): Choices {
  const context = contextOf(env[CONTEXT]);
  const given = (variable: string, key: string): Given | undefined =>
    [
      { value: env[variable], path: variable },
      { value: context[key], path: 'cdktf.json', property: `context.${key}` },
    ].find(({ value }) => value !== undefined && value !== '');
  const nonce = given('CITADEL_NONCE', 'nonce')?.value;
  return {
    cdk: oneOf(['cdktf', 'cdktn'], given('CITADEL_CDK', 'cdk')),
    binding: oneOf(['provider', 'exec'], given('CITADEL_BINDING', 'binding')),
    stacks: stacksOf(given('CITADEL_STACKS', 'stacks')),
    ...(nonce === undefined ? {} : { nonce: typeof nonce === 'string' ? nonce : JSON.stringify(nonce) }),
  };
}

interface Given {
  readonly value: unknown;
  readonly path: string;
  readonly property?: string;
}

function stacksOf(given: Given | undefined): string {
  if (given === undefined) return 'host';
  const { value, ...where } = given;
  if (value === 'host' || value === 'all') return value;
  if (typeof value === 'string' && /^@[\w-]+(,@[\w-]+)*$/.test(value)) return value;
  throw new CitadelError({
    code: 'synth.choice',
    ...where,
    got: `is ${JSON.stringify(value)}`,
    fix: 'Say "host", "all" or groups as "@web,@db", or leave it out for "host": a stack for each.',
  });
}

/** The first of `words` is the default. */
function oneOf<const T extends readonly [string, ...string[]]>(
  words: T,
  given: Given | undefined,
): T[number] {
  if (given === undefined) return words[0];
  const { value, ...where } = given;
  const found = words.find((word) => word === value);
  if (found !== undefined) return found;
  throw new CitadelError({
    code: 'synth.choice',
    ...where,
    got: `is ${JSON.stringify(value)}`,
    fix: `Say ${words.map((word) => `"${word}"`).join(' or ')}, or leave it out for "${words[0]}".`,
  });
}

function contextOf(text: string | undefined): Readonly<Record<string, unknown>> {
  if (text === undefined || text === '') return {};
  try {
    return Object(JSON.parse(text)) as Readonly<Record<string, unknown>>;
  } catch {
    // cdktf reads the same variable, and says what is wrong with it.
    return {};
  }
}
