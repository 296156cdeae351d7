import { SECTIONS, type Problem } from '../../manifest/index.js';
import type { AppliedIndex } from '../model.js';

/** What a generation says of the version that made it; all of it is from the host. */
export interface GenerationFormat {
  readonly generation: number | null;
  /** Version of the tool; absent where an older one wrote none. */
  readonly tool?: string;
  /** `version` of its document; absent where it could not be found. */
  readonly document?: number;
  readonly index: AppliedIndex | null;
}

/** The version of documents that this tool knows. */
const DOCUMENT = 1;

/**
 * Whether a host's current generation holds what this version does not know. To go on from it would drop that without a
 * word: nothing would take it away later.
 *
 * @param source the host, for messages
 */
export function newerProblem(source: string, format: GenerationFormat): Problem | undefined {
  const known: readonly string[] = SECTIONS;
  const sections = Object.keys(format.index ?? {}).filter((section) => !known.includes(section));
  const what = [
    ...(format.document !== undefined && format.document > DOCUMENT
      ? [`a document of version ${String(format.document)}`]
      : []),
    ...(sections.length === 0 ? [] : [sections.sort().join(' and ')]),
  ];
  if (what.length === 0) return undefined;
  const by = format.tool === undefined ? 'a later version' : `version ${format.tool}`;
  return {
    code: 'observe.newer',
    path: source,
    got: `generation ${String(format.generation)} was made by ${by} of citadel-iac and has what this version does not know: ${what.join(', ')}`,
    fix: 'Use that version or a later one; nothing was changed',
  };
}
