import { synthesize } from 'citadel-iac/terraform';
import site from '../citadel.config.js';

// The program that cdktf starts: a stack for each host of the inventory.
await synthesize(site);
