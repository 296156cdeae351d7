import type { ExpandedManifest } from '../../manifest/index.js';
import { unitOfFile } from '../diff/unit-files.js';
import type { ObservedHost } from '../model.js';

/**
 * Enabled units whose [Install] section changes: systemd goes on calling them enabled while the links of the old section
 * are there, so the links have to be made again.
 *
 * @param written bytes that will be written, by path
 */
export function reinstalledUnits(
  desired: ExpandedManifest,
  observed: ObservedHost,
  written: ReadonlyMap<string, Buffer>,
): Set<string> {
  const units = new Set<string>();
  for (const [path, content] of written) {
    const unit = unitOfFile(path);
    const current = observed.contents.get(path);
    if (unit === undefined || current === undefined || desired.units?.[unit]?.enabled !== true) continue;
    if (installSection(current.toString('utf8')) !== installSection(content.toString('utf8')))
      units.add(unit);
  }
  return units;
}

/** The lines of all [Install] sections, without comments and blank lines. */
function installSection(text: string): string {
  let inside = false;
  const lines: string[] = [];
  for (const line of text.split('\n').map((each) => each.trim())) {
    if (line.startsWith('[')) inside = line === '[Install]';
    else if (inside && line !== '' && !/^[#;]/.test(line)) lines.push(line);
  }
  return lines.join('\n');
}
