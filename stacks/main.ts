import { loadInventory, targetOf } from '../lib/inventory/index.js';
import { CitadelError } from '../lib/manifest/index.js';
import { buildHosts } from './app.js';

/** The program that cdktf starts: one stack per host of the inventory that `CITADEL_INVENTORY` names. */
async function main(): Promise<void> {
  const inventory = loadInventory(undefined, process.env);
  const { bindHost, cdk, choicesOf } = await import('../lib/terraform/binding/index.js');
  const { binding, nonce } = choicesOf(process.env);
  const byExec = binding === 'exec' ? await import('../lib/terraform/binding/exec/index.js') : undefined;
  const app = new cdk.App();
  for (const manifest of buildHosts(inventory)) {
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
}

try {
  await main();
} catch (error) {
  if (!(error instanceof CitadelError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
