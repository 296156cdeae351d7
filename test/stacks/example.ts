import { fileURLToPath } from 'node:url';
import type { Inventory } from '../../lib/inventory/index.js';
import { loadInventory } from '../support/site.js';
import type { HostManifest } from '../../lib/manifest/index.js';
import { buildHosts } from '../../stacks/app.js';

const FOLDER = fileURLToPath(new URL('../../stacks/inventory', import.meta.url));

/** An inventory of the project, without whatever targets this machine may know. */
export function inventoryOf(name: string): Inventory {
  return loadInventory(`${FOLDER}/${name}.yaml`, { CITADEL_TARGETS: '' });
}

/** The manifest of one host of an inventory. */
export function manifestOf(inventory: Inventory, host: string): HostManifest {
  const manifest = buildHosts(inventory).find((candidate) => candidate.host === host);
  if (manifest === undefined) throw new Error(`no host ${host}`);
  return manifest;
}

/** Content of a file that a manifest names. */
export function contentOf(manifest: HostManifest, path: string): string {
  const content = manifest.files?.[path]?.content;
  if (content === undefined) throw new Error(`${manifest.host} has no file ${path}`);
  return content;
}
