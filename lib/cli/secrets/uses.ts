import { manifestSecrets } from '../../engine/secrets/references.js';
import type { HostManifest, SecretSources } from '../../manifest/index.js';
import { by } from '../../text/order.js';

/** A secret that the inventory or a host names. */
export interface SecretUse {
  readonly name: string;
  /** Hosts whose files need it, sorted. */
  readonly hosts: readonly string[];
}

/** All secrets that the inventory or a manifest names, sorted. */
export function secretUses(sources: SecretSources, manifests: readonly HostManifest[]): SecretUse[] {
  const hosts = new Map<string, string[]>(Object.keys(sources).map((name) => [name, []]));
  for (const manifest of manifests) {
    for (const name of manifestSecrets(manifest)) {
      hosts.set(name, [...(hosts.get(name) ?? []), manifest.host]);
    }
  }
  return [...hosts].map(([name, users]) => ({ name, hosts: users.sort() })).sort(by(({ name }) => name));
}
