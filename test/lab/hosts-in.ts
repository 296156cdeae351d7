import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { isHostName, type HostName, type Layout } from './layout.js';

/** The hosts of which a lab has anything, sorted. */
export function hostsIn(layout: Layout): HostName[] {
  const folder = join(layout.state, 'hosts');
  return existsSync(folder) ? readdirSync(folder).filter(isHostName).sort() : [];
}
