import { isChoice } from '../choose.js';
import { EXIT, type ExitCode } from '../exit-code.js';
import { Fleet, inventoryHosts } from '../fleet.js';
import { CitadelError } from '../../manifest/index.js';
import { readInventory } from '../read-inventory.js';
import { rebootHosts, rebootText } from '../reboot/reboot-hosts.js';
import type { CommonOptions, Shell } from '../shell.js';
import { colourFor } from '../text/colour.js';
import { hostsText } from '../text/hosts.js';
import { jsonText } from '../text/plan-json.js';

export interface RebootOptions extends CommonOptions {
  readonly yes?: boolean;
  /** Seconds until a host must be back. */
  readonly timeout?: number;
}

/** `citadel-iac reboot HOST…`: drains hosts, reboots them one after another, and proves each. */
export async function reboot(
  shell: Shell,
  names: readonly string[],
  options: RebootOptions,
): Promise<ExitCode> {
  if (!isChoice(names, options))
    throw new CitadelError({
      code: 'cli.reboot.usage',
      path: 'citadel-iac reboot',
      got: 'nothing says which hosts',
      fix: 'Name them, or give --on.',
    });
  const inventory = await readInventory(shell, options);
  const hosts = inventoryHosts(shell, inventory, names, options);
  if (options.yes !== true) {
    if (!shell.interactive)
      throw new CitadelError({
        code: 'cli.reboot.question',
        path: 'citadel-iac reboot',
        got: 'no one is there to be asked whether to reboot',
        fix: 'Give --yes.',
      });
    const question = `Reboot ${hostsText(hosts)}?`;
    if (!(await shell.confirm(question, colourFor(shell.err, shell, options)))) {
      shell.err.write('Nothing was done.\n');
      return EXIT.error;
    }
  }
  const fleet = await Fleet.of(shell, inventory, options);
  try {
    const { code, results } = await rebootHosts(shell, fleet, hosts, options.timeout);
    shell.out.write(options.json === true ? jsonText({ hosts: results }) : rebootText(results));
    return code;
  } finally {
    await fleet.close();
  }
}
