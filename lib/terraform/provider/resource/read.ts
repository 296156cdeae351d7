import type { HostPlan } from '../../../engine/model.js';
import { encodeDocument } from '../../document.js';
import type { CtyObject, CtyValue } from '../cty/value.js';
import type { Session } from '../session.js';
import { parseDocument, type ManifestParser } from './manifest.js';
import { marksOf, type Marks } from './marks.js';
import { observedView } from './observed-view.js';
import { stateValue, textOf } from './state.js';

export interface ReadResult {
  readonly state: CtyValue;
  readonly marks: Marks;
}

/**
 * The host as it is, of what the state's document names and of what its current generation has besides. A state
 * without a document (an import) takes the one of the host's current generation.
 *
 * @returns a null state when there is no document and no generation: nothing of ours is on the host
 */
export async function readHost(
  session: Session,
  state: CtyValue,
  parse: ManifestParser,
): Promise<ReadResult> {
  const name = textOf(state, 'name') ?? session.host;
  const document = textOf(state, 'document');
  const manifest =
    document === undefined ? await session.currentManifest() : parseDocument(document, session.host, parse);
  if (manifest === null) return { state: null, marks: {} };
  const plan = await session.plan(manifest);
  return { state: readState(plan, name, document ?? encodeDocument(manifest)), marks: marksOf(plan) };
}

function readState(plan: HostPlan, name: string, document: string): CtyObject {
  const { observed } = plan;
  return stateValue({
    name,
    document,
    digest: observed.digest,
    generation: observed.generation,
    view: observedView(plan),
    actions: [],
    replaces: {},
  });
}
