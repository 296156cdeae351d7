import type { DiffInput, DiffOutput } from './input.js';
import { hasOwnFile } from './unit-files.js';

/**
 * A unit that the document names by another name of it (`Alias=`: `sshd.service` of `ssh.service`) makes a plan impossible
 * where it is to be enabled or disabled, which systemd does by a unit's own name only, or stands there by both names. One
 * whose file or link is of the document is what the document makes of it.
 */
export function unitAliases(input: DiffInput, output: DiffOutput): void {
  const { desired, observed } = input;
  for (const [name, unit] of Object.entries(desired.units ?? {}).sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (hasOwnFile(desired, name)) continue;
    const real = observed.units?.get(name)?.realName;
    const twice = real !== undefined && desired.units?.[real] !== undefined;
    const offline = observed.offline?.unitFiles?.get(name) === 'alias';
    if (real === undefined && !offline) continue;
    if (unit.enabled === null && !twice) continue;
    output.problems.push({
      code: 'diff.unit-alias',
      path: desired.origins?.[`units/${name}`] ?? desired.host,
      property: `units[${JSON.stringify(name)}]`,
      got: `${name} is another name (alias) of ${real ?? 'a unit'} on the host, ${
        twice ? 'and both stand in units' : 'and systemd enables and disables a unit only by its own name'
      }`,
      fix:
        real === undefined
          ? `Write the name of the unit itself: the one that the link /etc/systemd/system/${name} of the root leads to`
          : `${twice ? 'Keep' : 'Write'} ${real}`,
    });
  }
}
