import type { HostManifest } from '../../manifest/index.js';
import type { ModelWeights, Weights } from '../../engine/recovery/weights.js';
import { isThere } from '../../engine/recovery/weights.js';

/** What a manifest says of where a host's data come from, by the files that its programs read. */

const OFFSITE_SETTINGS = '/etc/citadel-offsite/settings';
/** Lines of it that name something which a new machine gets back; `/etc` comes from the manifest. */
const KEPT = /^(?:(?:files|prometheus|sqlite) \S+ \S+|path) (?<path>\/.*)$/;
const FETCHED = /^\/opt\/citadel\/configs\/weights\/(?<name>[^/]+)\.json$/;

/** Paths that the host keeps off-site, and that a new machine lacks. */
export function keptElsewhere({ files = {} }: HostManifest): readonly string[] {
  return (contentOf(files, OFFSITE_SETTINGS) ?? '')
    .split('\n')
    .flatMap((line) => KEPT.exec(line)?.groups?.['path'] ?? [])
    .filter((path) => path !== '/etc');
}

/** Weights that the host fetches by itself, by the lock file. */
export interface FetchedWeights {
  readonly model: string;
  /** As the inventory says it. */
  readonly from: string;
  readonly bytes: number;
  readonly start: 'boot' | 'manual';
}

export function fetchedWeights({ files = {} }: HostManifest): readonly FetchedWeights[] {
  return Object.keys(files).flatMap((path) => {
    const model = FETCHED.exec(path)?.groups?.['name'];
    const text = contentOf(files, path);
    if (model === undefined || text === undefined) return [];
    const wanted = JSON.parse(text) as Pick<FetchedWeights, 'from' | 'start'> & { files: { size: number }[] };
    const bytes = wanted.files.reduce((sum, { size }) => sum + size, 0);
    return [{ model, from: wanted.from, bytes, start: wanted.start }];
  });
}

/** The same, with models that no backup has and that the host fetches by itself as such. */
export function withFetched(weights: Weights, declared: readonly FetchedWeights[]): Weights {
  const models = weights.models.map((model): ModelWeights => {
    const own = declared.find((each) => each.model === model.model);
    if (own === undefined || isThere(model) || model.how === 'restore' || model.how === 'copy') return model;
    return { ...model, how: 'fetch', source: own.from, bytes: own.bytes, error: '', fix: '' };
  });
  return { ...weights, models };
}

function contentOf(files: NonNullable<HostManifest['files']>, path: string): string | undefined {
  const file = files[path];
  return file !== undefined && 'content' in file ? file.content : undefined;
}
