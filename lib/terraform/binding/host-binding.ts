import type { IConstruct } from 'constructs';
import { manifestSecrets } from '../../engine/secrets/references.js';
import { expandManifest } from '../../manifest/expand.js';
import { CitadelError, formatProblem, type Problem } from '../../manifest/problem.js';
import type { HostManifest } from '../../manifest/schema.js';
import type { SecretSources, Target } from '../../manifest/target.js';
import { Aspects, LocalBackend, TerraformBackend, type TerraformStack } from './cdk.js';
import { forgetLocalState, localStatePath } from './install-stack.js';

/** One host for a stack, whichever way Terraform reaches it. */
export interface HostBinding {
  /** Name of the host, as its manifest says it. */
  readonly host: string;
  /** The manifest; asked for at synthesis, so that everything declared until then is in it. */
  readonly manifest: () => HostManifest;
  /** How the host is reached. */
  readonly target: Target;
  /** Where the values of secrets are found; the host gets those that its manifest names. @default none */
  readonly secrets?: SecretSources;
  /** True: Terraform refuses a plan that would destroy or replace the host. @default false */
  readonly protect?: boolean;
}

/** Terraform's identifiers begin with a letter or `_`; a host's name may begin with a digit. */
export function identifierOf(host: string): string {
  return /^[0-9]/.test(host) ? `_${host}` : host;
}

export type Evaluated =
  | { readonly manifest: HostManifest; readonly problems: readonly [] }
  | { readonly manifest?: undefined; readonly problems: readonly Problem[] };

export function evaluate(binding: HostBinding): Evaluated {
  try {
    return { manifest: binding.manifest(), problems: [] };
  } catch (error) {
    // cdktf renders a stack before it validates it; the validation is where people read all problems at once.
    if (error instanceof CitadelError) return { problems: error.problems };
    throw error;
  }
}

/**
 * The sources of the secrets that the project gives to this host, and of no other: what reads the host asks for those that the
 * host's own record names (an import, say), and root of the host may write any name there.
 */
export function secretsOf(binding: HostBinding): SecretSources {
  const { manifest } = evaluate(binding);
  if (manifest === undefined) return {};
  const named = new Set(manifestSecrets(expandManifest(manifest)));
  return Object.fromEntries(Object.entries(binding.secrets ?? {}).filter(([name]) => named.has(name)));
}

/** Lets the validation of the stack report what is wrong with the manifest, as if `construct` had found it. */
export function reportProblems(stack: TerraformStack, construct: IConstruct, binding: HostBinding): void {
  construct.node.addValidation({ validate: () => unreported(stack, construct, evaluate(binding).problems) });
}

/** Problems that no other construct of the stack reports: a host's own constructs know most of them. */
function unreported(stack: TerraformStack, self: IConstruct, problems: readonly Problem[]): string[] {
  if (problems.length === 0) return [];
  const others = stack.node
    .findAll()
    .filter((it) => it !== self)
    .flatMap((it) => it.node.validate())
    .join('\n');
  return problems.filter((it) => !others.includes(it.got)).map((it) => formatProblem(it));
}

/** The two ways a host can be bound; each keeps a state of its own, and never reads the other's. */
export type StateOf = 'provider' | 'exec';

/** Unless the stack has a backend already: its state in a file of the project's folder. */
export function keepStateInProject(stack: TerraformStack, binding: StateOf): void {
  if (stack.node.children.some((child) => TerraformBackend.isBackend(child))) return;
  const provider = localStatePath(stack);
  const exec = localStatePath(stack, 'exec');
  const [own, other] = binding === 'exec' ? [exec, provider] : [provider, exec];
  new LocalBackend(stack, { path: own });
  Aspects.of(stack).add({
    visit: (node) => {
      if (node === stack) forgetLocalState(stack, other);
    },
  });
}
