import { hasOwnFile } from '../../engine/diff/unit-files.js';
import type { ModelWeights, Weights } from '../../engine/recovery/weights.js';
import { isThere } from '../../engine/recovery/weights.js';
import type { HostManifest, ManifestCheck, ManifestUnit } from '../../manifest/index.js';

/** The host's program that brings weights back: a manifest that has it is that of a host with models. */
export const RESTORE_PROGRAM = '/opt/citadel/scripts/backup_manager.py';

export function hasModels(manifest: HostManifest): boolean {
  return manifest.files?.[RESTORE_PROGRAM] !== undefined;
}

/**
 * The same host with nothing of ours running yet: everything is installed, mounted and written, but units whose files
 * the manifest writes are left as they are, and nothing is checked. Units of Debian's packages (a firewall, the node
 * exporter) start already: they need no weights.
 */
export function atRest(manifest: HostManifest): HostManifest {
  const { checks: _none, ...rest } = manifest;
  return withUnits(rest, (name, unit) =>
    hasOwnFile(manifest, name) && unit.state === 'running' ? resting(unit) : unit,
  );
}

/**
 * The same host without the services of models that are not there, and without what waits for all of them: so one lost
 * model does not keep the others from serving. Equal to `manifest` when all are there.
 */
export function withoutMissing(manifest: HostManifest, weights: Weights | null): HostManifest {
  // What the host fetches by itself waits for its weights, and keeps nothing else from starting.
  const missing = missingModels(weights).filter(({ how }) => how !== 'fetch');
  if (missing.length === 0) return manifest;
  const units = new Set([...missing.map(({ unit }) => unit), weights?.storageUnit ?? '']);
  const ports = new Set(missing.map(({ port }) => String(port)));
  const checks = Object.entries(manifest.checks ?? {}).filter(([, check]) => !concerns(check, units, ports));
  return {
    ...withUnits(manifest, (name, unit) => (units.has(name) ? resting(unit) : unit)),
    checks: Object.fromEntries(checks),
  };
}

/** Models that cannot be started, for the report. */
export function missingModels(weights: Weights | null): readonly ModelWeights[] {
  return (weights?.models ?? []).filter((model) => !isThere(model));
}

function concerns(check: ManifestCheck, units: ReadonlySet<string>, ports: ReadonlySet<string>): boolean {
  switch (check.kind) {
    case 'unit':
      return units.has(check.unit);
    case 'http':
      return ports.has(new URL(check.url).port);
    case 'tcp':
      return ports.has(String(check.port));
    case 'command':
      return false;
  }
}

/** Neither started nor stopped, and not enabled: after a reboot in between, it would start without what it needs. */
function resting(unit: ManifestUnit): ManifestUnit {
  return { ...unit, state: 'any', enabled: null };
}

function withUnits(
  manifest: HostManifest,
  change: (name: string, unit: ManifestUnit) => ManifestUnit,
): HostManifest {
  if (manifest.units === undefined) return manifest;
  const units = Object.entries(manifest.units).map(([name, unit]) => [name, change(name, unit)]);
  return { ...manifest, units: Object.fromEntries(units) as Record<string, ManifestUnit> };
}
