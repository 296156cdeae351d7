import {
  hopsOf,
  type SecretSources,
  type SshHop,
  type SshTarget,
  type Target,
} from '../../manifest/target.js';
import { escapeTemplates } from './escape.js';

/** One host of the provider's block as Terraform's JSON has it: snake case, strings escaped, nothing that is not set. */
export function hostAttributes(
  document: string,
  target: Target,
  secrets: SecretSources = {},
): Readonly<Record<string, unknown>> {
  const reach = 'root' in target ? { root: target.root } : sshAttributes(target);
  return escapeTemplates(
    withoutUndefined({ document, ...reach, ...(Object.keys(secrets).length === 0 ? {} : { secrets }) }),
  );
}

function sshAttributes(target: SshTarget): Record<string, unknown> {
  const hops = hopsOf(target);
  return {
    ...endpoint(target),
    jump: hops.length === 0 ? undefined : hops.map((hop) => withoutUndefined(endpoint(hop))),
    client: target.client,
    become: target.become,
    connect_timeout_sec: target.connectTimeoutSec,
    read_timeout_sec: target.readTimeoutSec,
    apply_timeout_sec: target.applyTimeoutSec,
    confirm_timeout_sec: target.confirmTimeoutSec,
    settle_sec: target.settleSec,
    keep_generations: target.keepGenerations,
    keep_generations_days: target.keepGenerationsDays,
  };
}

function endpoint(it: SshHop): Record<string, unknown> {
  return {
    address: it.address,
    port: it.port,
    user: it.user,
    host_keys: it.hostKeys,
    identity_file: it.identityFile,
  };
}

function withoutUndefined(members: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined));
}
