import { App, TerraformStack } from 'cdktf';
import { loadInventory, targetOf } from '../lib/inventory/index.js';
import { CitadelError } from '../lib/manifest/index.js';
import { bindHost } from '../lib/terraform/binding/index.js';
import { buildHosts } from './app.js';

/** The program that cdktf starts: one stack per host of the inventory that `CITADEL_INVENTORY` names. */
function main(): void {
  const inventory = loadInventory(undefined, process.env);
  const app = new App();
  for (const manifest of buildHosts(inventory)) {
    bindHost(new TerraformStack(app, manifest.host), {
      host: manifest.host,
      manifest: () => manifest,
      target: targetOf(inventory, manifest.host),
      secrets: inventory.secrets,
    });
  }
  app.synth();
}

try {
  main();
} catch (error) {
  if (!(error instanceof CitadelError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
