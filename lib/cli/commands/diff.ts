import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { HostPlan } from '../../engine/model.js';
import { planBetween } from '../../engine/plan/between.js';
import { CitadelError } from '../../manifest/index.js';
import { isChoice } from '../choose.js';
import { desiredHosts, type DesiredOptions } from '../desired.js';
import { EXIT, worstOf, type ExitCode } from '../exit-code.js';
import { readPlans } from '../read-plans.js';
import { renderingAt } from '../rendered/at-ref.js';
import { resultLines } from '../result-lines.js';
import { writePlan } from '../saved-plan/file.js';
import { recordOf } from '../saved-plan/record.js';
import { refuseOpen } from '../saved-plan/refuse.js';
import type { CommonOptions, Shell, Sink } from '../shell.js';
import { plansMarkdown } from '../text/markdown.js';
import { jsonText, planJson, plansJson } from '../text/plan-json.js';
import { needsWork } from '../text/plan.js';
import { plansText } from '../text/plans.js';
import { styleFor } from '../text/style.js';
import { errorMessage } from '../../text/error-message.js';
import { readInventory } from '../read-inventory.js';

export type DiffFormat = 'text' | 'json' | 'markdown' | 'html';

export interface DiffOptions extends CommonOptions, DesiredOptions {
  /** @default text, or json with `--json` */
  readonly format?: DiffFormat;
  /** Compare with the rendering of this commit instead of asking hosts. */
  readonly against?: string;
  /** Folder of renderings. @default rendered */
  readonly rendered?: string;
  /** File to write to. @default - standard output */
  readonly out?: string;
  /** File to keep the plan in, for `apply --plan`. */
  readonly save?: string;
}

/** Plans, and where each comes from. */
interface Comparison {
  readonly plans: readonly HostPlan[];
  /** By host: `agent0@192.168.10.35:22`, `commit 0123456789ab`. */
  readonly where: ReadonlyMap<string, string>;
  /** One sentence for the heading. */
  readonly sentence: string;
  readonly remarks: readonly string[];
  readonly failed: boolean;
  /** Of the project's repository; only for a plan that is saved. */
  readonly commit?: string;
}

/** `citadel-iac diff [host…]`: what an apply would do. Writes nothing on any host. */
export async function diff(shell: Shell, names: readonly string[], options: DiffOptions): Promise<ExitCode> {
  if (options.save !== undefined && options.against !== undefined) throw nothingToSave(options.save);
  const comparison =
    options.against === undefined
      ? await withHosts(shell, names, options)
      : await withCommit(shell, names, options, options.against);
  if (options.jsonLines !== true) await show(shell, comparison, options);
  if (options.save !== undefined) save(shell, comparison, options, options.save);
  return worstOf([
    comparison.failed ? EXIT.error : EXIT.ok,
    ...comparison.plans.map((plan) => (needsWork(plan) ? EXIT.differs : EXIT.ok)),
  ]);
}

/** Hosts that could not be read are not in it. */
function save(shell: Shell, { plans, commit }: Comparison, options: DiffOptions, file: string): void {
  refuseOpen(plans);
  if (plans.length === 0) {
    shell.err.write(`${file} was not written: no host could be read.\n`);
    return;
  }
  writePlan(shell, file, {
    tool: shell.version,
    ...(commit !== undefined && { commit }),
    ...(options.manifest !== undefined && { manifest: options.manifest }),
    hosts: Object.fromEntries(plans.map((plan) => [plan.host, recordOf(plan)])),
  });
  const hosts = plans.map(({ host }) => host).join(', ');
  shell.err.write(`${file}: the plan for ${hosts}. Apply it: citadel-iac apply --plan ${file}\n`);
}

function nothingToSave(file: string): CitadelError {
  return new CitadelError({
    code: 'cli.plan.against',
    path: file,
    got: 'a plan is of hosts as they are, and --against asks none',
    fix: 'Leave one of --save and --against out',
  });
}

async function show(shell: Shell, comparison: Comparison, options: DiffOptions): Promise<void> {
  const { plans, where, sentence, remarks } = comparison;
  const format = options.format ?? (options.json === true ? 'json' : 'text');
  const sink = options.out === undefined ? shell.out : fileSink(resolve(shell.cwd, options.out), options.out);
  if (format === 'json') {
    sink.write(jsonText(plansJson(plans)));
  } else if (format === 'markdown') {
    sink.write(plansMarkdown(plans, { comparison: sentence, remarks }));
  } else if (format === 'html') {
    // Only who wants a page pays for what makes it.
    const { plansPage } = await import('../review/page.js');
    sink.write(plansPage(plans, { comparison: sentence, remarks }));
  } else {
    const style = styleFor(sink, shell, options);
    const heading = (host: string) => ({
      where: where.get(host) ?? '',
      generation: options.against === undefined,
    });
    sink.write(plansText(plans, heading, style));
    for (const remark of remarks) shell.err.write(`${remark}\n`);
  }
}

/** A file in place of standard output: for pages, and for who needs the exit status of the command itself. */
function fileSink(file: string, shown: string): Sink {
  return {
    isTerminal: false,
    write: (text) => {
      try {
        writeFileSync(file, text);
      } catch (error) {
        throw new CitadelError({
          code: 'cli.out',
          path: shown,
          got: `cannot be written: ${errorMessage(error)}`,
          fix: 'Give a file in a folder that is there and that you may write to',
        });
      }
    },
  };
}

async function withHosts(shell: Shell, names: readonly string[], options: DiffOptions): Promise<Comparison> {
  const lines = resultLines(shell, options);
  const { fleet, plans, failed } = await readPlans(shell, names, options, (outcome) => {
    if ('value' in outcome) lines.result(outcome.host, planJson(outcome.value));
    else lines.failed(outcome.host, outcome.error);
  });
  try {
    const where = new Map<string, string>();
    const commit = options.save === undefined ? undefined : await fleet.commit();
    for (const { host } of plans) where.set(host, (await fleet.transport(host)).description);
    return {
      plans,
      where,
      sentence: 'Compared with the hosts as they are.',
      // Why is on standard error already, for the text; a comment or a page has only what is in it.
      remarks:
        options.format === 'markdown' || options.format === 'html'
          ? failed.map((host) => `${host} could not be read.`)
          : [],
      failed: failed.length > 0,
      ...(commit !== undefined && { commit }),
    };
  } finally {
    await fleet.close();
  }
}

async function withCommit(
  shell: Shell,
  names: readonly string[],
  options: DiffOptions,
  reference: string,
): Promise<Comparison> {
  const inventory = await readInventory(shell, options);
  const manifests = await desiredHosts(shell, inventory, names, options);
  const past = renderingAt(reference, options.rendered ?? 'rendered', shell.cwd);
  const plans: HostPlan[] = [];
  for (const manifest of manifests)
    plans.push(await planBetween(past.hosts.get(manifest.host) ?? null, manifest));
  const hosts = new Set(manifests.map(({ host }) => host));
  return {
    plans,
    where: new Map(plans.map(({ host }) => [host, `commit ${past.commit}`])),
    sentence: `Compared with the rendering of commit ${past.commit}; no host was asked.`,
    remarks: [
      ...[...hosts].filter((host) => !past.hosts.has(host)).map((host) => `${host} is new.`),
      ...(isChoice(names, options) ? [] : [...past.hosts.keys()].filter((host) => !hosts.has(host))).map(
        (host) => `${host} left the inventory: a deploy leaves it as it is.`,
      ),
    ],
    failed: false,
  };
}
