import { manifestDigest } from '../../../manifest/canonical.js';
import type { HostManifest } from '../../../manifest/schema.js';
import { Aspects, type TerraformStack } from '../cdk.js';
import { escapeTemplates } from '../escape.js';
import {
  evaluate,
  identifierOf,
  keepStateInProject,
  reportProblems,
  type HostBinding,
} from '../host-binding.js';
import { copyOf } from './host-copy.js';
import { installCalls, type Calls } from './install-exec.js';
import { projectPath } from '../install-stack.js';
import { LocalFile, LocalProvider, NullProvider, NullResource } from './providers.js';

export interface ExecOptions {
  /** Another value runs the apply again although the document is the same: for drift, or a secret's new value. */
  readonly nonce?: string;
}

/**
 * Puts one host into a stack for teams that allow no provider but HashiCorp's: a copy of it as one `local_file` in the
 * project's folder, so that a plan shows which lines differ; a `null_resource` that the manifest's digest triggers and that runs
 * `citadel-iac apply`; and another that runs it with nothing in the manifest when it is destroyed. Unless the stack has a
 * backend already, Terraform's state is in `terraform.<stack>.exec.tfstate` of the project, apart from `bindHost`'s.
 *
 * What is wrong with the manifest is reported by the validation of the stack, together with everything else.
 *
 * @returns the resource that applies
 */
export function bindHostByExec(
  stack: TerraformStack,
  binding: HostBinding,
  options: ExecOptions = {},
): NullResource {
  const { host } = binding;
  const name = identifierOf(host);
  if (!stack.node.children.some((child) => child instanceof NullProvider)) {
    new LocalProvider(stack, 'local');
    new NullProvider(stack, 'null');
    keepStateInProject(stack, 'exec');
  }
  const apply = new NullResource(stack, `apply-${host}`);
  apply.overrideLogicalId(name);
  // Not the same resource: one that triggers replace is destroyed each time, and must not take the host along.
  const removal = new NullResource(stack, `removal-${host}`, { triggers: { host } });
  removal.overrideLogicalId(`${name}_removal`);
  reportProblems(stack, apply, binding);

  const fill = (manifest: HostManifest): void => {
    const calls = installCalls(stack, binding, manifest);
    apply.triggers = {
      manifest: manifestDigest(manifest),
      ...(options.nonce === undefined ? {} : { nonce: escapeTemplates(options.nonce) }),
    };
    apply.provisioners = [{ ...localExec(calls, calls.manifest, host), when: 'create' }];
    removal.provisioners = [{ ...localExec(calls, calls.nothing, host), when: 'destroy' }];
    // In the project's folder, where it outlives "cdktf.out": without it, each plan would make it again.
    new LocalFile(stack, `copy-${host}`, {
      filename: projectPath(stack, `.citadel/hosts/${host}.json`),
      content: copyOf(manifest),
      filePermission: '0644',
      directoryPermission: '0755',
    }).overrideLogicalId(name);
  };
  Aspects.of(stack).add({
    visit: (node) => {
      if (node !== stack) return;
      const { manifest } = evaluate(binding);
      if (manifest !== undefined) fill(manifest);
    },
  });
  return apply;
}

/** Words for `execve`, no shell in between: what is in them is never read as anything else. */
function localExec(calls: Calls, manifest: string, host: string) {
  const { program, workingDir, inventory } = calls;
  return {
    type: 'local-exec',
    ...escapeTemplates({
      // Terraform runs the interpreter's words with the command as the last one.
      interpreter: ['node', program, 'apply', '--manifest', manifest, '--yes'],
      command: host,
      workingDir,
      environment: { CITADEL_INVENTORY: inventory, CITADEL_TARGETS: '' },
    }),
  } as const;
}
