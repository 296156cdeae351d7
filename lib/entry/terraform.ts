/**
 * A site as stacks of cdktf, or of cdktn where `CITADEL_CDK` says so.
 *
 * @module citadel-iac/terraform
 */
import { loadInventory, targetOf } from '../inventory/index.js';
import { CitadelError } from '../manifest/index.js';
import type { Site } from '../site/index.js';
import { errorMessage } from '../text/error-message.js';
import { thrownIn } from '../text/thrown-in.js';
import { bindHost, cdk, choicesOf, stackNames } from '../terraform/binding/index.js';

export { bindHost, cdk, choicesOf };
export type { Choices, HostBinding } from '../terraform/binding/index.js';

/**
 * The program that cdktf starts: one stack for each host of the inventory that `CITADEL_INVENTORY` names, else of the site's own;
 * `CITADEL_STACKS` puts several into one.
 * What is wrong with the site or its inventory goes to standard error, and the exit status is 1.
 */
export async function synthesize(site: Site): Promise<void> {
  try {
    const named = process.env['CITADEL_INVENTORY'] ?? '';
    const inventory = loadInventory(site.roles, named === '' ? site.inventory : named, process.env);
    const { binding, nonce, stacks } = choicesOf(process.env);
    // HashiCorp's providers are needed by this binding alone.
    const byExec = binding === 'exec' ? await import('../terraform/binding/exec/index.js') : undefined;
    const app = new cdk.App();
    const manifests = site.buildHosts(inventory);
    const names = stackNames(
      stacks,
      manifests.map(({ host }) => host),
      inventory.groups,
    );
    const made = new Map<string, cdk.TerraformStack>();
    for (const manifest of manifests) {
      const name = names.get(manifest.host) ?? manifest.host;
      const stack = made.get(name) ?? new cdk.TerraformStack(app, name);
      made.set(name, stack);
      const host = {
        host: manifest.host,
        manifest: () => manifest,
        target: targetOf(inventory, manifest.host),
        secrets: inventory.secrets,
        protect: inventory.hosts[manifest.host]?.protect === true,
      };
      if (byExec === undefined) bindHost(stack, host);
      else byExec.bindHostByExec(stack, host, nonce === undefined ? {} : { nonce });
    }
    app.synth();
  } catch (error) {
    // cdktf starts this in the folder of the site.
    const own = error instanceof CitadelError ? undefined : thrownIn(process.cwd(), error);
    if (!(error instanceof CitadelError) && own === undefined) throw error;
    process.stderr.write(
      `${own === undefined ? errorMessage(error) : `[${own.place}] ${own.got}. ${own.fix}`}\n`,
    );
    process.exitCode = 1;
  }
}
