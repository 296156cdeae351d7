/** Writes docs/runbook.md from the alerts of stacks/inventory/citadel.yaml: `npm run runbook`. */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { loadInventory } from '../lib/inventory/index.js';
import { roles } from '../stacks/app.js';
import { runbook } from '../stacks/runbook.js';

const project = new URL('..', import.meta.url);
const inventory = loadInventory(roles, fileURLToPath(new URL('stacks/inventory/citadel.yaml', project)), {
  CITADEL_TARGETS: '',
});
writeFileSync(new URL('docs/runbook.md', project), runbook(inventory));
