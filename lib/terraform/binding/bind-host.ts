import { Aspects, LocalBackend, TerraformBackend, type TerraformStack } from 'cdktf';
import { CitadelError, formatProblem, type Problem } from '../../manifest/problem.js';
import type { HostManifest } from '../../manifest/schema.js';
import type { SecretSources, Target } from '../../manifest/target.js';
import { encodeDocument } from '../document.js';
import { providerAttributes } from './attributes.js';
import { installForStack, localStatePath } from './install-stack.js';
import { CitadelHost, CitadelProvider } from './resources.js';

export interface HostBinding {
  /** Name of the host, as its manifest says it. */
  readonly host: string;
  /** The manifest; asked for at synthesis, so that everything declared until then is in it. */
  readonly manifest: () => HostManifest;
  /** How the provider reaches the host. */
  readonly target: Target;
  /** Where the provider finds the values of the manifest's secrets. @default none */
  readonly secrets?: SecretSources;
}

/**
 * Puts one host into a stack: the provider's block, one `citadel_host`, and, unless the stack has a backend already,
 * Terraform's state in a file `terraform.<stack>.tfstate` of the project. Synthesis installs the provider beside the
 * stack's JSON, so that plain `cdktf diff` and `cdktf deploy` find it without a registry.
 *
 * What is wrong with the manifest is reported by the validation of the stack, together with everything else.
 *
 * @param stack one host a stack; a second one gets a provider alias with the host's name
 */
export function bindHost(stack: TerraformStack, binding: HostBinding): CitadelHost {
  const { host } = binding;
  const first = !stack.node.children.some((child) => child instanceof CitadelProvider);
  const attributes = providerAttributes(host, binding.target, binding.secrets);
  const provider = new CitadelProvider(stack, `citadel-${host}`, attributes, first ? undefined : alias(host));
  const resource = new CitadelHost(stack, `host-${host}`, {
    name: host,
    document: () => evaluate(binding).document,
    provider,
  });
  // Terraform's own name of it, and so what "terraform import" takes: citadel_host.<name>.
  resource.overrideLogicalId(alias(host));
  resource.node.addValidation({ validate: () => unreported(stack, resource, evaluate(binding).problems) });
  if (first) {
    if (!stack.node.children.some((child) => TerraformBackend.isBackend(child))) {
      new LocalBackend(stack, { path: localStatePath(stack) });
    }
    Aspects.of(stack).add({
      visit: (node) => {
        if (node === stack) installForStack(stack);
      },
    });
  }
  return resource;
}

/** Terraform's identifiers begin with a letter or `_`; a host's name may begin with a digit. */
function alias(host: string): string {
  return /^[0-9]/.test(host) ? `_${host}` : host;
}

function evaluate(binding: HostBinding): {
  readonly document: string;
  readonly problems: readonly Problem[];
} {
  try {
    return { document: encodeDocument(binding.manifest()), problems: [] };
  } catch (error) {
    // cdktf renders a stack before it validates it; the validation is where people read all problems at once.
    if (error instanceof CitadelError) return { document: '{}', problems: error.problems };
    throw error;
  }
}

/** Problems that no other construct of the stack reports: a host's own constructs know most of them. */
function unreported(stack: TerraformStack, self: CitadelHost, problems: readonly Problem[]): string[] {
  if (problems.length === 0) return [];
  const others = stack.node
    .findAll()
    .filter((it) => it !== self)
    .flatMap((it) => it.node.validate())
    .join('\n');
  return problems.filter((it) => !others.includes(it.got)).map((it) => formatProblem(it));
}
