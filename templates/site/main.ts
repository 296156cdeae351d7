import { synthesize } from 'citadel-iac/terraform';
import site from './citadel.config.js';

// For `npx cdktf diff|deploy`: a stack for each host of the inventory.
await synthesize(site);
