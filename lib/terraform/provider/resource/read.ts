import type { HostPlan } from '../../../engine/model.js';
import type { HostManifest } from '../../../manifest/schema.js';
import { isObject, type CtyObject, type CtyValue } from '../cty/value.js';
import type { Session } from '../session.js';
import { marksOf, type Marks } from './marks.js';
import { observedView } from './observed-view.js';
import { hasWork } from './plan.js';
import { generationOf, stateValue } from './state.js';

export interface ReadResult {
  /** Null when nothing of ours is on the host, and there is no document to hold it against. */
  readonly state: CtyValue;
  readonly marks: Marks;
  /** `null`: nothing was ever applied to the host. */
  readonly generation: number | null;
  /** True when the host is as the last apply left it, and there is nothing to do. */
  readonly same: boolean;
}

/**
 * The host as it is, of what its document names and of what its current generation has in addition.
 *
 * @param state what Terraform knows of it; null in an import
 * @param document what is wanted now; absent (an import, a destroy elsewhere): what the host's current generation is
 */
export async function readHost(
  session: Session,
  state: CtyValue,
  document: HostManifest | undefined,
): Promise<ReadResult> {
  const manifest = document ?? (await session.currentManifest());
  if (manifest === null) return { state: null, marks: {}, generation: null, same: false };
  const plan = await session.plan(manifest);
  const { generation } = plan.observed;
  const same = isObject(state) && generationOf(state) === generation && !hasWork(plan);
  const read = readState(plan, session.host, same ? state : {});
  return { state: read, marks: marksOf(plan), generation, same };
}

/** @param same the state before, where what the last apply did is still true; it is old as soon as there is something to do */
function readState(plan: HostPlan, name: string, same: CtyObject): CtyObject {
  const { observed } = plan;
  return stateValue({
    name,
    digest: observed.digest,
    generation: observed.generation,
    view: observedView(plan),
    actions: same['actions'] ?? null,
    changes: same['changes'] ?? null,
  });
}
