import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { manifestDigest, type HostManifest } from '../../../lib/manifest/index.js';
import { encodeDocument } from '../../../lib/terraform/document.js';
import { PROVIDER_SOURCE, PROVIDER_VERSION } from '../../../lib/terraform/address.js';
import { bundle, ensureBuilt } from '../../../bin/build.mjs';
import { installProvider } from '../../../lib/terraform/binding/install.js';
import { providerProgram } from '../../../lib/terraform/binding/install-program.js';

export const REPOSITORY = fileURLToPath(new URL('../../../', import.meta.url));

/** Builds a provider with a double of the engine. @returns its program, absolute */
export async function doubleProvider(): Promise<string> {
  await ensureBuilt();
  const folder = join(REPOSITORY, 'node_modules/.cache/citadel-iac/double-provider');
  await bundle(build, { provider: 'test/terraform/support/double-provider.ts' }, folder);
  return join(folder, 'provider.js');
}

export interface Outcome {
  readonly status: number;
  readonly output: string;
}

/** Environment without anything that makes Terraform phone home, colour its output or read a user's settings. */
export function cleanEnv(): NodeJS.ProcessEnv {
  const { TF_CLI_CONFIG_FILE: _config, TF_LOG: _log, ...env } = process.env;
  return { ...env, CHECKPOINT_DISABLE: '1', TF_IN_AUTOMATION: '1', TF_CLI_ARGS: '-no-color', CI: '1' };
}

export function run(
  command: string,
  args: readonly string[],
  options: { readonly cwd: string; readonly env?: NodeJS.ProcessEnv; readonly seconds?: number },
): Promise<Outcome> {
  return new Promise((resolve) => {
    const child = execFile(
      command,
      [...args],
      {
        cwd: options.cwd,
        env: options.env ?? cleanEnv(),
        timeout: (options.seconds ?? 60) * 1000,
        maxBuffer: 64 * 1024 * 1024,
      },
      (error, stdout, stderr) => {
        const status = error === null ? 0 : typeof error.code === 'number' ? error.code : 255;
        resolve({ status, output: `${stdout}${stderr}` });
      },
    );
    child.stdin?.end();
  });
}

/** One Terraform working folder with the provider installed and one host in it. */
export class Workspace {
  readonly folder = mkdtempSync(join(tmpdir(), 'citadel-tf-'));
  /** The offline root that stands for the host. */
  readonly root = join(this.folder, 'host');

  private constructor(
    readonly program: string,
    private readonly cli: string,
  ) {
    mkdirSync(this.root);
  }

  /**
   * @param program the provider's, or one with a double of the engine (`double-provider.ts`)
   * @param cli Terraform, or OpenTofu
   */
  static create(program = providerProgram(), cli = 'terraform'): Workspace {
    const workspace = new Workspace(program, cli);
    installProvider({
      folder: workspace.folder,
      program,
      project: workspace.folder,
      node: process.execPath,
    });
    return workspace;
  }

  /** The host's document, and a stack that has it. @param connection more of the host's entry in the provider's block */
  write(
    manifest: HostManifest,
    connection: Readonly<Record<string, unknown>> = {},
    name = manifest.host,
  ): void {
    this.writeDocument(encodeDocument(manifest), name);
    this.writeStack({ [name]: this.entry(name, connection) }, { name, digest: manifestDigest(manifest) });
  }

  writeDocument(document: string, name: string): void {
    mkdirSync(join(this.folder, 'documents'), { recursive: true });
    writeFileSync(join(this.folder, 'documents', `${name}.json`), document);
  }

  /** A host of the provider's block, as synthesis writes it. */
  entry(name: string, connection: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
    return { document: `documents/${name}.json`, root: this.root, ...connection };
  }

  /** @param more other top-level blocks */
  writeStack(hosts: unknown, resource: object, more: object = {}): void {
    this.writeJson('main.tf.json', {
      terraform: {
        required_providers: {
          citadel: { source: PROVIDER_SOURCE, version: PROVIDER_VERSION },
        },
      },
      provider: { citadel: { hosts } },
      resource: { citadel_host: { host: resource } },
      ...more,
    });
  }

  writeJson(file: string, content: unknown): void {
    writeFileSync(join(this.folder, file), JSON.stringify(content, null, 2));
  }

  /** What `terraform` gets. */
  environment: NodeJS.ProcessEnv = cleanEnv();

  terraform(...args: readonly string[]): Promise<Outcome> {
    return run(this.cli, args, { cwd: this.folder, env: this.environment, seconds: 300 });
  }

  dispose(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
