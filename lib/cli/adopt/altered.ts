import { canonicalJson, expandManifest, SECTIONS, type HostManifest } from '../../manifest/index.js';
import type { Item } from './model.js';

/** The items that are not the same in two states of all hosts, sorted by host, section and key. */
export function alteredItems(before: readonly HostManifest[], after: readonly HostManifest[]): Item[] {
  const old = byName(before);
  const now = byName(after);
  return [...new Set([...old.keys(), ...now.keys()])].sort().flatMap((host) =>
    SECTIONS.flatMap((section) => {
      const a = sectionOf(old.get(host), section);
      const b = sectionOf(now.get(host), section);
      return [...new Set([...Object.keys(a), ...Object.keys(b)])]
        .sort()
        .filter((key) => text(a, key) !== text(b, key))
        .map((key) => ({ host, section, key }));
    }),
  );
}

/** The text that a file of a host gets; `undefined` where there is none that can be shown. */
export function contentOf(
  manifests: readonly HostManifest[],
  host: string,
  path: string,
): string | undefined {
  const files = manifests.find((manifest) => manifest.host === host)?.files;
  return files !== undefined && Object.hasOwn(files, path) ? files[path]?.content : undefined;
}

function byName(manifests: readonly HostManifest[]): Map<string, HostManifest> {
  return new Map(manifests.map((manifest) => [manifest.host, manifest]));
}

function sectionOf(
  manifest: HostManifest | undefined,
  section: (typeof SECTIONS)[number],
): Readonly<Record<string, unknown>> {
  return manifest === undefined ? {} : (expandManifest(manifest)[section] ?? {});
}

function text(items: Readonly<Record<string, unknown>>, key: string): string {
  return Object.hasOwn(items, key) ? canonicalJson(items[key]) : '';
}
