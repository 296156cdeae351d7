import { encodeDocument } from '../document.js';
import { providerAttributes } from './attributes.js';
import { Aspects, type TerraformStack } from './cdk.js';
import {
  evaluate,
  identifierOf,
  keepStateInProject,
  reportProblems,
  secretsOf,
  type HostBinding,
} from './host-binding.js';
import { installForStack } from './install-stack.js';
import { CitadelHost, CitadelProvider } from './resources.js';

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
  const name = identifierOf(host);
  const first = !stack.node.children.some((child) => child instanceof CitadelProvider);
  const attributes = (): Readonly<Record<string, unknown>> =>
    providerAttributes(host, binding.target, secretsOf(binding));
  const provider = new CitadelProvider(stack, `citadel-${host}`, attributes, first ? undefined : name);
  const resource = new CitadelHost(stack, `host-${host}`, {
    name: host,
    document: () => {
      const { manifest } = evaluate(binding);
      return manifest === undefined ? '{}' : encodeDocument(manifest);
    },
    provider,
  });
  // Terraform's own name of it, and so what "terraform import" takes: citadel_host.<name>.
  resource.overrideLogicalId(name);
  reportProblems(stack, resource, binding);
  if (first) {
    keepStateInProject(stack, 'provider');
    Aspects.of(stack).add({
      visit: (node) => {
        if (node === stack) installForStack(stack);
      },
    });
  }
  return resource;
}
