import { heldText } from '../../engine/held-text.js';
import type { LeftPlace, OpenTransaction } from '../../engine/model.js';
import { CitadelError } from '../../manifest/index.js';
import { EXIT, type ExitCode } from '../exit-code.js';
import { Fleet, inventoryHosts } from '../fleet.js';
import type { CommonOptions, Shell } from '../shell.js';
import { colourFor } from '../text/colour.js';
import { jsonText } from '../text/plan-json.js';
import { resolveText } from '../text/resolve.js';
import { styleFor } from '../text/style.js';
import { readInventory } from '../read-inventory.js';

export interface ResolveOptions extends CommonOptions {
  /** Tries again to undo what is left. */
  readonly retry?: boolean;
  /** Ends the transaction with what is there now. */
  readonly accept?: boolean;
  readonly yes?: boolean;
}

/**
 * `citadel-iac resolve HOST`: shows what a host could not undo, and with `--retry` or `--accept` ends it. Status 0 when
 * nothing is left (any more), 4 while something is.
 */
export async function resolve(shell: Shell, host: string, options: ResolveOptions): Promise<ExitCode> {
  const inventory = await readInventory(shell, options);
  inventoryHosts(shell, inventory, [host], {});
  const fleet = await Fleet.of(shell, inventory, options);
  try {
    const open = await openOn(fleet, host);
    if (open?.running === true) throw atWork(host, open);
    if (open === null || (options.retry !== true && options.accept !== true)) {
      return await show(shell, fleet, host, open, options);
    }
    await showToPerson(shell, fleet, host, open, options);
    if (options.yes !== true && !(await mayGoOn(shell, host, options))) {
      shell.err.write('Nothing was changed.\n');
      return EXIT.error;
    }
    const transport = await fleet.transport(host);
    if (options.accept === true) {
      const kept = await fleet.engine.accept(transport, host, open.id);
      return ended(shell, host, 'accepted', `What was there before is kept in ${kept} on the host.`, options);
    }
    if (await fleet.engine.recover(transport, { open })) {
      return ended(shell, host, 'undone', 'The host is at a whole generation again.', options);
    }
    return await show(shell, fleet, host, await openOn(fleet, host), options);
  } finally {
    await fleet.close();
  }
}

async function openOn(fleet: Fleet, host: string): Promise<OpenTransaction | null> {
  const { open } = await fleet.engine.observe(await fleet.transport(host), host, fleet.readOptions(host));
  return open;
}

async function leftOn(fleet: Fleet, host: string): Promise<LeftPlace[]> {
  return fleet.engine.left(await fleet.transport(host), fleet.readOptions(host));
}

async function show(
  shell: Shell,
  fleet: Fleet,
  host: string,
  open: OpenTransaction | null,
  options: ResolveOptions,
): Promise<ExitCode> {
  const left = open === null ? [] : await leftOn(fleet, host);
  shell.out.write(
    options.json === true
      ? jsonText({ hosts: { [host]: { open, left } } })
      : resolveText(host, open, left, styleFor(shell.out, shell, options)),
  );
  return open === null ? EXIT.ok : EXIT.notUndone;
}

/** Before a question, and next to JSON only then. */
async function showToPerson(
  shell: Shell,
  fleet: Fleet,
  host: string,
  open: OpenTransaction,
  options: ResolveOptions,
): Promise<void> {
  if (options.json === true && options.yes === true) return;
  const sink = options.json === true ? shell.err : shell.out;
  sink.write(resolveText(host, open, await leftOn(fleet, host), styleFor(sink, shell, options)));
}

async function mayGoOn(shell: Shell, host: string, options: ResolveOptions): Promise<boolean> {
  if (!shell.interactive) {
    throw new CitadelError({
      code: 'cli.confirm',
      path: host,
      got: 'there is something to decide, and no person to ask: this is not a terminal; nothing was changed',
      fix: 'Look at what is shown above, and run the command again with --yes.',
    });
  }
  const question =
    options.accept === true
      ? `Leave ${host} as it is now, and keep the copies of before next to it?`
      : `Undo on ${host} what is left?`;
  return shell.confirm(question, colourFor(shell.err, shell, options));
}

function ended(
  shell: Shell,
  host: string,
  outcome: 'accepted' | 'undone',
  next: string,
  options: ResolveOptions,
): ExitCode {
  const then = `See what differs from the document: citadel-iac diff ${host}`;
  shell.out.write(
    options.json === true
      ? jsonText({ hosts: { [host]: { outcome, next } } })
      : `${host}: ${outcome}. ${next}\n${then}\n`,
  );
  return EXIT.ok;
}

function atWork(host: string, open: OpenTransaction): CitadelError {
  const { who, since, state } = open;
  const when = heldText(open);
  return new CitadelError({
    code: 'cli.resolve.running',
    path: host,
    got: `${who} is applying since ${since} (${state})${when === '' ? '' : `; ${when}`}; nothing was changed`,
    fix: `Wait for its end, then look again: "citadel-iac resolve ${host}".`,
  });
}
