import type { HostManifest } from '../../../manifest/schema.js';
import { decodeDocument } from '../../document.js';
import { isObject, type CtyValue } from '../cty/value.js';
import type { ManifestParser } from './manifest.js';
import { conform, generationOf, stateValue, textOf } from './state.js';
import { desiredView, VIEW_SECTIONS } from './view.js';

/**
 * A stored state as today's schema has it. Version 1 held the whole document and every line of every file; what is kept of it
 * is the name, the generation and one line an item. The next read looks at the host again whatever this says.
 */
export function upgradeState(stored: CtyValue, version: number, parse: ManifestParser): CtyValue {
  if (!isObject(stored) || version >= 2) return conform(stored);
  const manifest = manifestIn(textOf(stored, 'document'), parse);
  if (manifest !== undefined) {
    return stateValue({
      name: textOf(stored, 'name') ?? manifest.host,
      digest: textOf(stored, 'digest') ?? null,
      generation: generationOf(stored),
      view: desiredView(manifest),
      actions: null,
      changes: null,
    });
  }
  const without = Object.fromEntries([...VIEW_SECTIONS, 'actions'].map((name) => [name, null]));
  return conform({ ...stored, ...without });
}

/** `undefined` where there is none that can still be read. */
function manifestIn(document: string | undefined, parse: ManifestParser): HostManifest | undefined {
  try {
    return document === undefined ? undefined : parse(decodeDocument(document));
  } catch {
    return undefined;
  }
}
