import { defineSite } from 'citadel-iac';
import { ai } from 'citadel-iac/roles/ai';
import { base } from 'citadel-iac/roles/base';
import { gateway } from 'citadel-iac/roles/gateway';
import { monitoring } from 'citadel-iac/roles/monitoring';

/** This team's site: AI nodes, gateways to them, and a server that watches all. */
export default defineSite({
  roles: [base, ai, gateway, monitoring],
  inventory: 'stacks/inventory/citadel.yaml',
});
