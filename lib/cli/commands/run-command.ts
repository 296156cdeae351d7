import type { CommandAnswer } from '../../engine/model.js';
import { CitadelError } from '../../manifest/index.js';
import { KnownSecrets } from '../adopt/secrets.js';
import { isChoice } from '../choose.js';
import { EXIT, type ExitCode } from '../exit-code.js';
import { Fleet, inventoryHosts, type Outcome } from '../fleet.js';
import { startProgress } from '../progress/start.js';
import { readInventory } from '../read-inventory.js';
import { resultLines } from '../result-lines.js';
import type { CommonOptions, Shell } from '../shell.js';
import { answersText } from '../text/command-answers.js';
import { hostsText } from '../text/hosts.js';
import { byHost, jsonText } from '../text/plan-json.js';
import { errorText } from '../text/problems.js';
import { styleFor } from '../text/style.js';
import { inWaves, type WaveOptions } from '../waves.js';

export interface RunCommandOptions extends CommonOptions, WaveOptions {
  /** Account of the hosts. @default root */
  readonly user?: string;
  /** Seconds. @default the host's `ssh.timeouts.applySec` */
  readonly timeout?: number;
}

/** `citadel-iac run --on HOSTS -- COMMAND…`: one command on several hosts, each of which writes it down. */
export async function runOnHosts(
  shell: Shell,
  words: readonly string[],
  options: RunCommandOptions,
): Promise<ExitCode> {
  if (!isChoice([], options))
    throw usage('nothing says on which hosts', "Give --on HOST; for all of them: --on '*'.");
  if (options.timeout === 0)
    throw usage('a command cannot end in 0 seconds', 'Give --timeout a second at least.');
  const inventory = await readInventory(shell, options);
  const hosts = inventoryHosts(shell, inventory, [], options);
  const fleet = await Fleet.of(shell, inventory, options);
  try {
    fleet.expect(hosts);
    const secrets = await refuseSecrets(shell, fleet, words);
    const progress = startProgress(shell, hosts, false, options, inventory);
    const lines = resultLines(shell, options);
    const work = async (host: string): Promise<CommandAnswer> => {
      progress.update(host, 'running');
      try {
        const answer = await runOne(shell, fleet, host, words, options);
        progress.done(host, `status ${String(answer.exitCode)}`, answer.exitCode === 0);
        const shown = {
          ...answer,
          stdout: secrets.hiddenIn(answer.stdout),
          stderr: secrets.hiddenIn(answer.stderr),
        };
        lines.result(host, shown);
        return shown;
      } catch (error) {
        lines.failed(host, error);
        progress.done(host, 'not run', false);
        throw error;
      }
    };
    const isGood = (outcome: Outcome<CommandAnswer>): boolean =>
      'value' in outcome && outcome.value.exitCode === 0;
    const { outcomes, notBegun } = await inWaves(
      fleet,
      hosts,
      options,
      shell.signal,
      work,
      isGood,
      (wave, number, of) => progress.say(`Wave ${number} of ${of}: ${hostsText(wave)}`),
    );
    await progress.stop();
    lines.notBegun(notBegun);
    const answers = outcomes.flatMap((outcome) => ('value' in outcome ? [outcome] : []));
    if (options.json === true && options.jsonLines !== true) {
      const json = byHost(answers, ({ value }) => value);
      shell.out.write(jsonText({ hosts: json, ...(notBegun.length > 0 && { notBegun }) }));
    } else if (options.jsonLines !== true) {
      shell.out.write(answersText(answers, styleFor(shell.out, shell, options)));
    }
    for (const outcome of outcomes) if ('error' in outcome) shell.err.write(errorText(outcome.error, shell));
    const failed = outcomes.filter((outcome) => !isGood(outcome)).map(({ host }) => host);
    if (failed.length > 0) shell.err.write(`Failed on ${failed.join(', ')}.\n`);
    if (notBegun.length > 0) shell.err.write(`Not begun: ${notBegun.join(', ')}.\n`);
    return failed.length + notBegun.length > 0 ? EXIT.error : EXIT.ok;
  } finally {
    await fleet.close();
  }
}

async function runOne(
  shell: Shell,
  fleet: Fleet,
  host: string,
  words: readonly string[],
  { user, timeout }: RunCommandOptions,
): Promise<CommandAnswer> {
  const target = fleet.target(host);
  const seconds = timeout ?? ('applyTimeoutSec' in target ? target.applyTimeoutSec : 1800);
  return fleet.engine.command(
    await fleet.transport(host),
    { words, who: shell.who, seconds: Math.ceil(seconds), ...(user !== undefined && { user }) },
    shell.signal,
  );
}

/**
 * An argument stands in process lists and in the host's history.
 *
 * @returns the secrets that could be read, to keep them out of what hosts answer
 */
async function refuseSecrets(shell: Shell, fleet: Fleet, words: readonly string[]): Promise<KnownSecrets> {
  const { secrets: sources, source } = fleet.inventory;
  const { values, unknown } = await fleet.engine.secrets(sources, { projectDir: source.projectDir });
  const secrets = new KnownSecrets(values);
  const at = words.findIndex((word) => secrets.standsIn(word));
  if (at >= 0)
    throw usage(
      `${at === 0 ? 'the command' : `argument ${String(at)} of the command`} holds a secret of the inventory; nothing was run`,
      'Arguments stand in process lists and in the host’s history: let the command read the secret from a file of the host.',
    );
  if (unknown.length > 0)
    shell.err.write(
      `Not looked for in the arguments, because they cannot be read here: ${unknown.join(', ')}\n`,
    );
  return secrets;
}

function usage(got: string, fix: string): CitadelError {
  return new CitadelError({ code: 'cli.run.usage', path: 'citadel-iac run', got, fix });
}
