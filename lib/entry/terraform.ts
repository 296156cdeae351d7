/**
 * A site as stacks of cdktf, or of cdktn where `CITADEL_CDK` says so.
 *
 * @module citadel-iac/terraform
 */
import { loadInventory, targetOf } from '../inventory/index.js';
import { CitadelError } from '../manifest/index.js';
import type { Site } from '../site/index.js';
import { bindHost, cdk, choicesOf } from '../terraform/binding/index.js';

export { bindHost, cdk, choicesOf };
export type { Choices, HostBinding } from '../terraform/binding/index.js';

/**
 * The program that cdktf starts: one stack for each host of the inventory that `CITADEL_INVENTORY` names, else of the site's own.
 * What is wrong with the site or its inventory goes to standard error, and the exit status is 1.
 */
export async function synthesize(site: Site): Promise<void> {
  try {
    const named = process.env['CITADEL_INVENTORY'] ?? '';
    const inventory = loadInventory(site.roles, named === '' ? site.inventory : named, process.env);
    const { binding, nonce } = choicesOf(process.env);
    // HashiCorp's providers are needed by this binding alone.
    const byExec = binding === 'exec' ? await import('../terraform/binding/exec/index.js') : undefined;
    const app = new cdk.App();
    for (const manifest of site.buildHosts(inventory)) {
      const stack = new cdk.TerraformStack(app, manifest.host);
      const host = {
        host: manifest.host,
        manifest: () => manifest,
        target: targetOf(inventory, manifest.host),
        secrets: inventory.secrets,
      };
      if (byExec === undefined) bindHost(stack, host);
      else byExec.bindHostByExec(stack, host, nonce === undefined ? {} : { nonce });
    }
    app.synth();
  } catch (error) {
    if (!(error instanceof CitadelError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 1;
  }
}
