import type { IConstruct } from 'constructs';
import { CitadelError, formatProblem, type Problem } from '../../manifest/problem.js';
import type { HostManifest } from '../../manifest/schema.js';
import type { SecretSources, Target } from '../../manifest/target.js';
import { LocalBackend, TerraformBackend, type TerraformStack } from './cdk.js';
import { localStatePath } from './install-stack.js';

/** One host for a stack, whichever way Terraform reaches it. */
export interface HostBinding {
  /** Name of the host, as its manifest says it. */
  readonly host: string;
  /** The manifest; asked for at synthesis, so that everything declared until then is in it. */
  readonly manifest: () => HostManifest;
  /** How the host is reached. */
  readonly target: Target;
  /** Where the values of the manifest's secrets are found. @default none */
  readonly secrets?: SecretSources;
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

/**
 * Unless the stack has a backend already: its state in a file of the project's folder.
 *
 * @param kind part of the file's name, so that two bindings never read each other's state
 */
export function keepStateInProject(stack: TerraformStack, kind?: string): void {
  if (stack.node.children.some((child) => TerraformBackend.isBackend(child))) return;
  new LocalBackend(stack, { path: localStatePath(stack, kind) });
}
