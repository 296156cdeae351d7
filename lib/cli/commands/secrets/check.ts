import { recipientsPath } from '../../../engine/secrets/age/recipients.js';
import { createSecretResolver, describeSource } from '../../../engine/secrets/sources.js';
import type { SecretResolver } from '../../../engine/secrets/resolver.js';
import { CitadelError } from '../../../manifest/index.js';
import { isChoice } from '../../choose.js';
import { desiredHosts, type DesiredOptions } from '../../desired.js';
import { failed, ok, skipped, warning, type Finding } from '../../../site/finding.js';
import { EXIT, type ExitCode } from '../../exit-code.js';
import { AgeProject } from '../../secrets/age-project.js';
import { secretUses, type SecretUse } from '../../secrets/uses.js';
import type { CommonOptions, Shell } from '../../shell.js';
import { jsonText } from '../../text/plan-json.js';
import { plural, styleFor } from '../../text/style.js';
import { findingsText } from '../doctor.js';
import { readInventory } from '../../read-inventory.js';

/**
 * `citadel-iac secrets check [host…]`: can everything be found that the hosts need, and can those read the age files who
 * should? Asks every source that an apply would ask, and prints no value.
 */
export async function check(
  shell: Shell,
  names: readonly string[],
  options: CommonOptions & DesiredOptions,
): Promise<ExitCode> {
  const inventory = await readInventory(shell, options);
  const manifests = await desiredHosts(shell, inventory, names, options);
  const project = new AgeProject(shell, inventory);
  const files = new Map<string, Finding[]>();
  if (project.names.size > 0) {
    for (const file of project.names.keys()) files.set(file, await checkFile(project, file));
  }
  const identity = project.names.size > 0 ? [await checkIdentity(project)] : [];
  const resolver = createSecretResolver(inventory.secrets, project.deps);
  const secrets: Finding[] = [];
  const uses = secretUses(!isChoice(names, options) ? inventory.secrets : {}, manifests);
  for (const use of uses) secrets.push(...(await checkSecret(use, resolver, inventory.secrets)));

  const all = [...identity, ...[...files.values()].flat(), ...secrets];
  const good = all.every(({ status }) => status !== 'failed');
  if (options.json === true) {
    const byFile = Object.fromEntries([...files].map(([file, checks]) => [file, { checks }]));
    const hosts = Object.fromEntries(uses.map((use) => [use.name, { hosts: use.hosts }]));
    const checks = {
      identity: { checks: identity },
      files: byFile,
      secrets: { checks: secrets, uses: hosts },
    };
    shell.out.write(jsonText({ ok: good, ...checks }));
  } else {
    const style = styleFor(shell.out, shell, options);
    const sections = [
      ...(identity.length === 0 ? [] : [findingsText('identity', identity, style)]),
      ...[...files].map(([file, findings]) => findingsText(file, findings, style)),
      secrets.length === 0 ? 'There are no secrets.\n' : findingsText('secrets', secrets, style),
    ];
    shell.out.write(sections.join('\n'));
  }
  return good ? EXIT.ok : EXIT.error;
}

async function checkIdentity(project: AgeProject): Promise<Finding> {
  return found('identity', async () => {
    const { shown, recipients } = await project.files.identity();
    return [ok('identity', `${shown}, recipient ${recipients.join(' and ')}`)];
  }).then(([first]) => first ?? skipped('identity', 'not asked for'));
}

async function checkFile(project: AgeProject, file: string): Promise<Finding[]> {
  const recipients = recipientsPath(file);
  const content = await found('content', async () => {
    const values = await project.files.values(file);
    const used = new Set((project.names.get(file) ?? []).map(({ key }) => key));
    const idle = [...values.keys()].filter((name) => !used.has(name));
    return [
      ok('content', `you can open it; ${plural(values.size, 'value')}`),
      ...(idle.length === 0
        ? []
        : [
            warning(
              'content',
              `the inventory takes nothing by the name of ${idle.join(', ')}`,
              'Take what no one needs out with "citadel-iac secrets edit"',
            ),
          ]),
    ];
  });
  const list = await found('recipients', async () => {
    const wanted = await project.files.recipients(file);
    const { recipients: mine } = await project.files.identity();
    const own = mine.some((recipient) => wanted.includes(recipient))
      ? []
      : [
          failed(
            'recipients',
            `you are not in ${recipients}: after the next rekey you could not read ${file}`,
            `Add ${mine[0] ?? 'your recipient'}`,
          ),
        ];
    const { recipients: past } = await project.files.text(file);
    return [...own, judge(wanted, past, recipients)];
  });
  return [...content, ...list];
}

function judge(wanted: readonly string[], past: readonly string[] | undefined, shown: string): Finding {
  if (past === undefined) {
    return warning(
      'recipients',
      'another program wrote the file: it does not say whom it is encrypted to',
      'Run "citadel-iac secrets rekey"',
    );
  }
  const missing = wanted.filter((recipient) => !past.includes(recipient));
  const extra = past.filter((recipient) => !wanted.includes(recipient));
  if (missing.length + extra.length === 0)
    return ok('recipients', `${plural(wanted.length, 'recipient')}, as ${shown} says`);
  const words = [
    ...(missing.length === 0 ? [] : [`not encrypted to ${missing.join(', ')}`]),
    ...(extra.length === 0 ? [] : [`still encrypted to ${extra.join(', ')}`]),
  ];
  return failed('recipients', `${words.join('; ')}, unlike ${shown}`, 'Run "citadel-iac secrets rekey"');
}

async function checkSecret(
  { name, hosts }: SecretUse,
  resolver: SecretResolver,
  sources: Readonly<Record<string, Parameters<typeof describeSource>[0]>>,
): Promise<Finding[]> {
  const source = Object.hasOwn(sources, name) ? sources[name] : undefined;
  const from = source === undefined ? 'no source' : describeSource(source);
  if (hosts.length === 0) return [skipped(name, `${from}; no host needs it, so it was not asked for`)];
  return found(name, async () => {
    await resolver.resolve(name);
    return [ok(name, `${from}; needed by ${hosts.join(', ')}`)];
  });
}

/** Problems as failed findings. */
async function found(name: string, work: () => Promise<Finding[]>): Promise<Finding[]> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof CitadelError)) throw error;
    return error.problems.map(({ path, got, fix }) =>
      failed(name, path.startsWith('secrets/') ? got : `${path}: ${got}`, fix),
    );
  }
}
