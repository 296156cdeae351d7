import type { Target } from '../../manifest/index.js';
import type { Retention } from './payload.js';

/** What a target says about generations; nothing where it says nothing, so that the host's own defaults hold. */
export function retentionOf(target: Target): Retention {
  if ('root' in target) return {};
  return {
    ...(target.keepGenerations === undefined ? {} : { keep: target.keepGenerations }),
    ...(target.keepGenerationsDays === undefined ? {} : { maxAgeDays: target.keepGenerationsDays }),
  };
}
