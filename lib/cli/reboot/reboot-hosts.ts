import { EXIT, type ExitCode } from '../exit-code.js';
import type { RebootCare } from '../../site/index.js';
import type { Fleet } from '../fleet.js';
import type { Shell } from '../shell.js';
import { whileSilent } from '../silence/planned-work.js';
import { errorText } from '../text/problems.js';
import { visible } from '../text/style.js';
import { rebootHost } from './reboot-host.js';

/** Seconds for a host to be back: firmware of servers takes minutes, and models load before the boot has ended. */
export const REBOOT_SEC = 3600;

export interface RebootResult {
  readonly host: string;
  /** `false` where it failed, or another one did before it. */
  readonly rebooted: boolean;
  /** Why it owes another reboot. */
  readonly owes: readonly string[];
}

/** Reboots hosts one after another; none after one that failed. Alerts about them are silenced meanwhile. */
export async function rebootHosts(
  shell: Shell,
  fleet: Fleet,
  hosts: readonly string[],
  seconds = REBOOT_SEC,
): Promise<{ readonly code: ExitCode; readonly results: readonly RebootResult[] }> {
  const results: RebootResult[] = [];
  let failed = false;
  for (const host of hosts) {
    if (failed || shell.signal.aborted) {
      shell.err.write(`${host}: not begun\n`);
      results.push({ host, rebooted: false, owes: [] });
      continue;
    }
    const care = await careFor(shell, fleet, host);
    const onProgress = (text: string): void => shell.err.write(`${host}: ${visible(text)}\n`);
    try {
      const owes = await whileSilent(
        shell,
        fleet,
        { hosts: [host], what: 'reboot', seconds: () => seconds },
        () => rebootHost(shell, fleet, host, { care, seconds, onProgress }),
      );
      results.push({ host, rebooted: true, owes });
    } catch (error) {
      failed = true;
      shell.err.write(errorText(error, shell));
      results.push({ host, rebooted: false, owes: [] });
    }
  }
  const code = results.every(({ rebooted, owes }) => rebooted && owes.length === 0) ? EXIT.ok : EXIT.error;
  return { code, results };
}

/** What its roles do around a reboot of a host. */
export async function careFor(shell: Shell, fleet: Fleet, host: string): Promise<readonly RebootCare[]> {
  const { roles = [] } = await shell.app();
  const inventory = fleet.inventory.hosts[host];
  if (inventory === undefined) return [];
  return roles.flatMap(({ reboot }) => reboot?.(inventory, fleet.inventory.texts) ?? []);
}

/** A line for each host. */
export function rebootText(results: readonly RebootResult[]): string {
  return results
    .map(({ host, rebooted, owes }) => {
      if (!rebooted) return `${host}: not proved\n`;
      return owes.length === 0
        ? `${host}: rebooted, and proved\n`
        : `${host}: rebooted, and still owes a reboot: ${visible(owes.join('; '))}\n`;
    })
    .join('');
}
