import { manifestSecrets } from '../../engine/secrets/references.js';
import type { Inventory } from '../../inventory/index.js';
import { CitadelError, expandManifest, type HostManifest } from '../../manifest/index.js';
import { desiredHosts, type DesiredOptions } from '../desired.js';
import type { Shell } from '../shell.js';

/** Names of the secrets that a document needs, sorted. */
export function secretsNamedBy(manifest: HostManifest): string[] {
  return manifestSecrets(expandManifest(manifest));
}

/** Where a document that a host sent comes from. */
export interface HostMade {
  readonly manifest: HostManifest;
  readonly generation: number;
  /** Secrets that a person lets the host have next to those that the project gives it (`--allow-secret`). */
  readonly allowed: readonly string[];
}

/**
 * A document that a host kept says whatever root of that host wants it to say, and names of secrets are no secret. So it gets
 * what the project gives to this host, and nothing else; called before any source of a secret is asked.
 *
 * @throws CitadelError with a problem for each secret that the project does not give to the host, and when it cannot be
 *   known which it gives
 */
export async function refuseForeignSecrets(
  shell: Shell,
  inventory: Inventory,
  { manifest, generation, allowed }: HostMade,
): Promise<void> {
  const { host } = manifest;
  const wanted = secretsNamedBy(manifest).filter((name) => !allowed.includes(name));
  // The day on which a person rolls back may be the day on which the project cannot be synthesised.
  if (wanted.length === 0) return;
  const given = await secretsOfProject(shell, inventory, host, wanted);
  const foreign = wanted.filter((name) => !given.includes(name));
  if (foreign.length === 0) return;
  throw new CitadelError(
    foreign.map((name) => ({
      code: 'cli.secret.not-given',
      path: host,
      got: `its generation ${generation} asks for the secret "${name}", which the project does not give to ${host}: no secret was read, and nothing was sent`,
      fix: `If ${host} had it by the project and is to have it again, allow it with "--allow-secret ${name}"; if not, find out who wrote the document of this generation`,
    })),
  );
}

async function secretsOfProject(
  shell: Shell,
  inventory: Inventory,
  host: string,
  wanted: readonly string[],
): Promise<string[]> {
  try {
    const [own] = await desiredHosts(shell, inventory, [host], {});
    return own === undefined ? [] : secretsNamedBy(own);
  } catch (error) {
    if (!(error instanceof CitadelError)) throw error;
    throw new CitadelError([
      ...error.problems,
      {
        code: 'cli.secret.project',
        path: host,
        got: `which secrets the project gives to ${host} cannot be known, because of ${error.problems.length === 1 ? 'the problem' : 'the problems'} above`,
        fix: `Correct the project, or name what ${host} may have: ${wanted.map((name) => `--allow-secret ${name}`).join(' ')}`,
      },
    ]);
  }
}

/**
 * Remarks on documents from files (`--manifest`): what each host gets that the project gives to other hosts only. A person
 * chose the file, so this is said and not refused.
 *
 * @returns by host
 */
export async function foreignSecretNotes(
  shell: Shell,
  inventory: Inventory,
  manifests: readonly HostManifest[],
  { manifest: files = [] }: DesiredOptions,
): Promise<ReadonlyMap<string, readonly string[]>> {
  const named = manifests.filter((each) => secretsNamedBy(each).length > 0);
  if (files.length === 0 || named.length === 0 || Object.keys(inventory.hosts).length < 2) return new Map();
  let project: readonly HostManifest[];
  try {
    project = await desiredHosts(shell, inventory, [], {});
  } catch (error) {
    if (!(error instanceof CitadelError)) throw error;
    const unknown =
      'the project cannot be synthesised, so it is not known to which hosts it gives the secrets of this file';
    return new Map(named.map(({ host }) => [host, [unknown]]));
  }
  return new Map(named.map((each) => [each.host, notesOf(each, project)]));
}

function notesOf(manifest: HostManifest, project: readonly HostManifest[]): string[] {
  const { host } = manifest;
  return secretsNamedBy(manifest).flatMap((name) => {
    const owners = project.filter((each) => secretsNamedBy(each).includes(name)).map((each) => each.host);
    if (owners.length === 0 || owners.includes(host)) return [];
    return [
      `gets the secret ${name}, which the project gives to ${owners.sort().join(', ')} and not to ${host}`,
    ];
  });
}
