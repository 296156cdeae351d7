import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { HostManifest } from '../../../lib/manifest/index.js';
import { cleanEnv, REPOSITORY, run, type Outcome } from './terraform.js';

export interface Json {
  readonly [key: string]: Json;
}

const MAIN = `
import { readFileSync } from 'node:fs';
import { bindHost, cdk, choicesOf } from '../lib/terraform/binding/index.js';
import { bindHostByExec } from '../lib/terraform/binding/exec/index.js';

const app = new cdk.App();
const { root, manifest, secrets } = JSON.parse(readFileSync('input.json', 'utf8'));
const { binding, nonce } = choicesOf(process.env);
const stack = new cdk.TerraformStack(app, manifest.host);
const host = { host: manifest.host, target: { root }, secrets, manifest: () => manifest };
if (binding === 'exec') bindHostByExec(stack, host, { nonce });
else bindHost(stack, host);
app.synth();
`;

/** A project of one host `web`, whose root is a folder of it; synthesised without cdktf's command line. */
export class Project {
  /** Inside the repository, so that its packages are found. */
  readonly folder = mkdtempSync(join(REPOSITORY, '.tmp-exec-'));

  /** @param cli Terraform or OpenTofu, and what it gets besides {@link cleanEnv} */
  constructor(
    private readonly secrets: Readonly<Record<string, unknown>> = {},
    private readonly cli: { readonly command: string; readonly env?: Readonly<Record<string, string>> } = {
      command: 'terraform',
    },
  ) {
    writeFileSync(join(this.folder, 'cdktf.json'), '{}');
    writeFileSync(join(this.folder, 'main.ts'), MAIN);
    for (const root of ['a', 'b']) {
      for (const path of ['etc', 'opt', 'var/lib'])
        mkdirSync(join(this.folder, root, path), { recursive: true });
    }
  }

  root(name: 'a' | 'b'): string {
    return join(this.folder, name);
  }

  /** Where Terraform runs. */
  get stack(): string {
    return join(this.folder, 'cdktf.out/stacks/web');
  }

  async synth(
    root: 'a' | 'b',
    manifest: HostManifest,
    env: Readonly<Record<string, string>> = {},
  ): Promise<void> {
    writeFileSync(join(this.folder, 'input.json'), JSON.stringify({ root, manifest, secrets: this.secrets }));
    const done = await run(process.execPath, ['--import', 'tsx', 'main.ts'], {
      cwd: this.folder,
      env: { ...cleanEnv(), ...env },
      seconds: 110,
    });
    if (done.status !== 0) throw new Error(done.output);
  }

  get json(): Json {
    return JSON.parse(readFileSync(join(this.stack, 'cdk.tf.json'), 'utf8')) as Json;
  }

  /**
   * DOUBLES in the place of HashiCorp's providers, which are not here: Terraform's built-in `terraform_data` runs the same
   * provisioners at the same moments, and `triggers_replace` is to it what `triggers` is to a `null_resource`. Of a
   * `local_file` its arguments are kept as `input`, so that a plan shows them; no file is written.
   */
  useStandIns(): void {
    const { provider: _provider, terraform, resource, ...rest } = this.json;
    const { required_providers: _required, ...settings } = terraform ?? {};
    const applies = Object.entries(resource?.['null_resource'] ?? {}).map(([name, { triggers, ...more }]) => [
      name,
      { ...more, ...(triggers === undefined ? {} : { triggers_replace: triggers }) },
    ]);
    const copies = Object.entries(resource?.['local_file'] ?? {}).map(([name, { '//': note, ...input }]) => [
      `${name}_copy`,
      { '//': note, input },
    ]);
    const data = Object.fromEntries([...applies, ...copies]) as Json;
    const doubled = { ...rest, terraform: settings, resource: { terraform_data: data } };
    writeFileSync(join(this.stack, 'cdk.tf.json'), JSON.stringify(doubled));
  }

  terraform(...args: readonly string[]): Promise<Outcome> {
    const { command, env } = this.cli;
    return run(command, args, { cwd: this.stack, env: { ...cleanEnv(), ...env }, seconds: 300 });
  }

  dispose(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
