import { isAbsolute, join } from 'node:path';
import type { SecretSources, SshHop, SshTarget, Target } from '../../../manifest/target.js';

/**
 * A target and its secrets' sources as the smallest inventory that says them, which `citadel-iac` reads.
 *
 * @param project folder that relative paths start from
 * @returns the document, in an inventory's own spelling
 */
export function inventoryOf(
  host: string,
  target: Target,
  secrets: SecretSources,
  project: string,
): Readonly<Record<string, unknown>> {
  const reach = 'root' in target ? { root: absolute(target.root, project) } : sshReach(target, project);
  return { hosts: { [host]: reach }, secrets };
}

function sshReach(target: SshTarget, project: string): Record<string, unknown> {
  const { address, jump, keepGenerations, keepGenerationsDays } = target;
  const generations = { keep: keepGenerations, maxAgeDays: keepGenerationsDays };
  const hop = (it: SshHop) => ({ ...it, identityFile: identityFileOf(it, project) });
  const kept = keepGenerations !== undefined || keepGenerationsDays !== undefined;
  return {
    address,
    ssh: {
      user: target.user,
      port: target.port,
      hostKeys: target.hostKeys,
      identityFile: identityFileOf(target, project),
      jump: Array.isArray(jump) ? jump.map(hop) : jump && hop(jump),
      client: target.client,
      become: target.become,
      timeouts: {
        connectSec: target.connectTimeoutSec,
        readSec: target.readTimeoutSec,
        applySec: target.applyTimeoutSec,
        confirmSec: target.confirmTimeoutSec,
        settleSec: target.settleSec,
      },
    },
    ...(kept ? { generations } : {}),
  };
}

function identityFileOf(
  it: { readonly identityFile?: string | undefined },
  project: string,
): string | undefined {
  return it.identityFile === undefined ? undefined : absolute(it.identityFile, project);
}

/** Where the tool that reads it was started decides nothing then. */
function absolute(path: string, project: string): string {
  return path === '~' || path.startsWith('~/') || isAbsolute(path) ? path : join(project, path);
}
