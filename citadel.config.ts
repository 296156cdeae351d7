import { defineSite } from 'citadel-iac';
import { ai } from 'citadel-iac/roles/ai';
import { base } from 'citadel-iac/roles/base';
import { monitoring } from 'citadel-iac/roles/monitoring';

/** This team's site: AI nodes, and a server that watches them. */
export default defineSite({
  roles: [base, ai, monitoring],
  inventory: 'stacks/inventory/citadel.yaml',
});
