import { manifestDigest } from '../../manifest/canonical.js';
import { hostAttributes } from './attributes.js';
import { Aspects, type TerraformStack } from './cdk.js';
import {
  evaluate,
  identifierOf,
  keepStateInProject,
  reportProblems,
  secretsOf,
  type HostBinding,
} from './host-binding.js';
import { documentPath, installDocuments } from './install-documents.js';
import { installForStack } from './install-stack.js';
import { CitadelHost, CitadelProvider } from './resources.js';

/**
 * Puts one host into a stack: an entry in the provider's block, one `citadel_host`, and, unless the stack has a backend
 * already, Terraform's state in a file `terraform.<stack>.tfstate` of the project. Synthesis writes the host's document and
 * installs the provider next to the stack's JSON, so that plain `cdktf diff` and `cdktf deploy` find both without a registry.
 *
 * What is wrong with the manifest is reported by the validation of the stack, together with everything else.
 *
 * @param stack any number of hosts: one process of the provider serves all of them
 */
export function bindHost(stack: TerraformStack, binding: HostBinding): CitadelHost {
  const { host } = binding;
  const provider = providerOf(stack);
  provider.addHost(host, () => hostAttributes(documentPath(host), binding.target, secretsOf(binding)));
  const resource = new CitadelHost(stack, `host-${host}`, {
    name: host,
    digest: () => {
      const { manifest } = evaluate(binding);
      return manifest === undefined ? '' : manifestDigest(manifest);
    },
    provider,
    protect: binding.protect === true,
  });
  // Terraform's own name of it, and so what "terraform import" takes: citadel_host.<name>.
  resource.overrideLogicalId(identifierOf(host));
  reportProblems(stack, resource, binding);
  bindingsOf(stack).push(binding);
  return resource;
}

const bindings = new WeakMap<TerraformStack, HostBinding[]>();

function bindingsOf(stack: TerraformStack): HostBinding[] {
  const known = bindings.get(stack) ?? [];
  bindings.set(stack, known);
  return known;
}

/** The one provider of a stack; the first host brings it, and what else every stack needs. */
function providerOf(stack: TerraformStack): CitadelProvider {
  const there = stack.node.children.find((child) => child instanceof CitadelProvider);
  if (there !== undefined) return there;
  keepStateInProject(stack, 'provider');
  Aspects.of(stack).add({
    visit: (node) => {
      if (node !== stack) return;
      installForStack(stack);
      installDocuments(
        stack,
        bindingsOf(stack).flatMap((it) => evaluate(it).manifest ?? []),
      );
    },
  });
  return new CitadelProvider(stack, 'citadel');
}
