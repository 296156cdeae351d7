import type { Inventory } from '../../inventory/index.js';
import { CitadelError } from '../../manifest/index.js';
import { checkHost } from '../doctor/check-host.js';
import { failed, ok, skipped, type Finding } from '../../site/finding.js';
import { EXIT, type ExitCode } from '../exit-code.js';
import { Fleet, inventoryHosts, valueOf } from '../fleet.js';
import { startProgress } from '../progress/start.js';
import type { CommonOptions, Shell } from '../shell.js';
import { jsonText } from '../text/plan-json.js';
import { styleFor, visible, type Style } from '../text/style.js';
import { readInventory } from '../read-inventory.js';

/**
 * `citadel-iac doctor [host…]`: is everything there that an apply needs? Every failure comes with what to do about it.
 * Writes nothing on any host.
 */
export async function doctor(
  shell: Shell,
  names: readonly string[],
  options: CommonOptions,
): Promise<ExitCode> {
  const { inventory, findings } = await checkInventory(shell, options);
  const hosts = inventory === undefined ? [] : inventoryHosts(shell, inventory, names, options);
  const byHost =
    inventory === undefined
      ? new Map<string, Finding[]>()
      : await checkHosts(shell, inventory, hosts, options);
  const all = [...findings, ...[...byHost.values()].flat()];
  const good = all.every(({ status }) => status !== 'failed');
  if (options.json === true) {
    const checks = Object.fromEntries([...byHost].map(([host, list]) => [host, { checks: list }]));
    shell.out.write(jsonText({ ok: good, inventory: { checks: findings }, hosts: checks }));
  } else {
    const style = styleFor(shell.out, shell, options);
    const sections = [...byHost].map(([host, list]) => findingsText(host, list, style));
    shell.out.write([findingsText('inventory', findings, style), ...sections].join('\n'));
  }
  return good ? EXIT.ok : EXIT.error;
}

async function checkInventory(
  shell: Shell,
  options: CommonOptions,
): Promise<{ readonly inventory?: Inventory; readonly findings: Finding[] }> {
  try {
    const inventory = await readInventory(shell, options);
    const { roles = [], notes } = await shell.app();
    return {
      inventory,
      findings: [
        ok('inventory', inventory.source.file),
        ...roles.flatMap(({ doctor: examine }) => examine?.(inventory) ?? []),
        ...(notes?.(inventory) ?? []).map((note) => skipped('roles', note)),
      ],
    };
  } catch (error) {
    if (!(error instanceof CitadelError)) throw error;
    return {
      findings: error.problems.map(({ path, property, got, fix }) =>
        failed('inventory', `${path}: ${property === undefined ? '' : `${property}: `}${got}`, fix),
      ),
    };
  }
}

async function checkHosts(
  shell: Shell,
  inventory: Inventory,
  hosts: readonly string[],
  options: CommonOptions,
): Promise<Map<string, Finding[]>> {
  const fleet = await Fleet.of(shell, inventory, options);
  const progress = startProgress(shell, hosts, false, options, inventory);
  try {
    const found = await fleet.each(hosts, async (host): Promise<Finding[]> => {
      progress.update(host, 'examining');
      const findings = await checkHost(shell, fleet, host);
      progress.done(
        host,
        'examined',
        findings.every(({ status }) => status !== 'failed'),
      );
      return findings;
    });
    return new Map(found.map((outcome) => [outcome.host, valueOf(outcome)]));
  } finally {
    await progress.stop();
    await fleet.close();
  }
}

const MARK: Readonly<Record<Finding['status'], string>> = {
  ok: '✓',
  warning: '!',
  failed: '✗',
  skipped: '-',
};

/** One line per finding, and below it what to do. */
export function findingsText(title: string, findings: readonly Finding[], style: Style): string {
  const paint = { ok: style.green, warning: style.yellow, failed: style.red, skipped: style.dim };
  const lines = findings.flatMap(({ name, status, found, fix }) => [
    `  ${paint[status](MARK[status])} ${visible(name)}: ${visible(found)}`,
    ...(fix === undefined ? [] : [`      ${style.bold('→')} ${visible(fix)}`]),
  ]);
  return [style.bold(title), ...lines, ''].join('\n');
}
