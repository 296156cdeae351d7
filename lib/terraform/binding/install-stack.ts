import { readFileSync, rmSync } from 'node:fs';
import { isAbsolute, join, relative, resolve } from 'node:path';
import { App, type TerraformStack } from './cdk.js';
import { installProvider } from './install.js';
import { providerProgram } from './install-program.js';

/** Folder in which Terraform runs for a stack: `cdktf.out/stacks/<stack>`, absolute. */
export function workingFolder(stack: TerraformStack): string {
  const app = App.of(stack);
  return resolve(app.outdir, app.manifest.forStack(stack).workingDirectory);
}

/** Installs the provider for one stack. */
export function installForStack(stack: TerraformStack): void {
  installProvider({
    folder: workingFolder(stack),
    program: providerProgram(),
    project: process.cwd(),
    node: process.execPath,
  });
}

/**
 * The state's file in the project's folder, seen from where Terraform runs. cdktf's own default is an absolute path,
 * which would make two clones differ.
 *
 * @param kind a word for the file's name: `terraform.<stack>.<kind>.tfstate`
 */
export function localStatePath(stack: TerraformStack, kind?: string): string {
  return projectPath(
    stack,
    ['terraform', stack.node.id, ...(kind === undefined ? [] : [kind]), 'tfstate'].join('.'),
  );
}

/** A file of the project's folder, seen from where Terraform runs. */
export function projectPath(stack: TerraformStack, name: string): string {
  const folder = resolve(App.of(stack).outdir, 'stacks', stack.node.id);
  return portable(join(relative(folder, process.cwd()), name));
}

/** A relative path of Terraform's JSON has `/`, whatever the machine writes. */
export function portable(path: string): string {
  return isAbsolute(path) ? path : path.replaceAll('\\', '/');
}

/**
 * Takes away Terraform's memory of another state file in the stack's folder, as `terraform init -reconfigure` would:
 * without this, Terraform offers to move one binding's state into the other's, where nothing declares what is in it and
 * every plan fails.
 */
export function forgetLocalState(stack: TerraformStack, path: string): void {
  const memory = join(workingFolder(stack), '.terraform/terraform.tfstate');
  try {
    const { backend } = JSON.parse(readFileSync(memory, 'utf8')) as {
      readonly backend?: { readonly type?: string; readonly config?: { readonly path?: string } };
    };
    if (backend?.type === 'local' && backend.config?.path === path) rmSync(memory);
  } catch {
    // Never initialised, or nothing that we understand: Terraform knows what to do.
  }
}
