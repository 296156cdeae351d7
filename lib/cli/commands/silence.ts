import { CitadelError } from '../../manifest/index.js';
import { isChoice } from '../choose.js';
import { EXIT, type ExitCode } from '../exit-code.js';
import { Fleet, inventoryHosts } from '../fleet.js';
import { readInventory } from '../read-inventory.js';
import type { CommonOptions, Shell } from '../shell.js';
import { silencesOf, type Silence, type Silences } from '../silence/silences.js';
import { jsonText } from '../text/plan-json.js';
import { visible } from '../text/style.js';

export interface SilenceOptions extends CommonOptions {
  readonly model?: string;
  /** Seconds. */
  readonly for?: number;
  readonly comment?: string;
}

/** `citadel-iac silence --on HOST --for 2h --comment TEXT`: no message about a host, or a model, for a time. */
export async function silence(shell: Shell, options: SilenceOptions): Promise<ExitCode> {
  const { model, comment } = options;
  const ofHosts = isChoice([], options);
  if (!ofHosts && model === undefined)
    throw usage('nothing says what is silenced', 'Give --on HOST, --model NAME, or both.');
  if (options.for === undefined) throw usage('nothing says for how long', 'Give a time: --for 2h.');
  if (comment === undefined || comment.trim() === '')
    throw usage('nothing says why', 'Give a reason, for whoever finds it: --comment "new disk".');
  const seconds = options.for;
  return withSilences(shell, options, async (all, fleet) => {
    const hosts = ofHosts ? inventoryHosts(shell, fleet.inventory, [], options) : [undefined];
    const from = shell.now();
    const until = from + seconds * 1000;
    const made = await Promise.all(
      all.flatMap((silences) =>
        hosts.map(async (host) => {
          const labels = { ...(host !== undefined && { host }), ...(model !== undefined && { model }) };
          const id = await silences.add({ labels, from, until, by: shell.who, comment });
          return { host: silences.silencer.host, id };
        }),
      ),
    );
    if (options.json === true) shell.out.write(jsonText({ silences: made }));
    else
      for (const { host, id } of made)
        shell.out.write(
          `${host}: silent until ${new Date(until).toISOString()}; to end it: citadel-iac silence lift ${id}\n`,
        );
    return EXIT.ok;
  });
}

/** `citadel-iac silence list`: silences that are in force or will be, whoever made them. */
export async function listSilences(shell: Shell, options: CommonOptions): Promise<ExitCode> {
  return withSilences(shell, options, async (all) => {
    const found = await Promise.all(
      all.map(async (silences) => ({ host: silences.silencer.host, silences: await silences.list() })),
    );
    if (options.json === true) shell.out.write(jsonText({ hosts: found }));
    else
      for (const { host, silences } of found)
        shell.out.write(
          silences.length === 0 ? `${host}: none\n` : `${host}:\n${silences.map(lineOf).join('')}`,
        );
    return EXIT.ok;
  });
}

/** `citadel-iac silence lift ID`: ends one. */
export async function liftSilence(shell: Shell, id: string, options: CommonOptions): Promise<ExitCode> {
  if (!/^[0-9a-f-]{1,64}$/i.test(id))
    throw usage(
      `${JSON.stringify(id)} is not the id of a silence`,
      'Take one that "citadel-iac silence list" shows.',
    );
  return withSilences(shell, options, async (all) => {
    // Ids are Alertmanager's own, so at most one has it.
    const holders = await Promise.all(
      all.map(async (silences) => ((await silences.list()).some((each) => each.id === id) ? [silences] : [])),
    );
    const [holder] = holders.flat();
    if (holder === undefined)
      throw new CitadelError({
        code: 'cli.silence.unknown',
        path: id,
        got: 'no silence in force has this id',
        fix: 'Take one that "citadel-iac silence list" shows.',
      });
    await holder.lift(id);
    shell.err.write(`${holder.silencer.host}: lifted\n`);
    return EXIT.ok;
  });
}

function lineOf({ id, matchers, endsAt, createdBy, comment }: Silence): string {
  const what = matchers.map(({ name, value, isRegex, isEqual }) => {
    const operator = isRegex ? (isEqual ? '=~' : '!~') : isEqual ? '=' : '!=';
    return `${name}${operator}${JSON.stringify(value)}`;
  });
  return `  ${visible(`${id}  until ${endsAt}  ${what.join(', ')}  ${createdBy}: ${comment}`)}\n`;
}

async function withSilences(
  shell: Shell,
  options: CommonOptions,
  work: (all: readonly Silences[], fleet: Fleet) => Promise<ExitCode>,
): Promise<ExitCode> {
  const inventory = await readInventory(shell, options);
  const fleet = await Fleet.of(shell, inventory);
  try {
    const all = await silencesOf(fleet, () => shell.app());
    if (all.length === 0)
      throw new CitadelError({
        code: 'cli.silence.nowhere',
        path: inventory.source.file,
        got: 'no host of this inventory has an Alertmanager that could be silenced',
        fix: 'Make one a monitoring server: "monitoring" under its name.',
      });
    return await work(all, fleet);
  } finally {
    await fleet.close();
  }
}

function usage(got: string, fix: string): CitadelError {
  return new CitadelError({ code: 'cli.silence.usage', path: 'citadel-iac silence', got, fix });
}
