import { Command, CommanderError } from 'commander';
import { EXIT, type ExitCode } from './exit-code.js';
import type { Shell } from './shell.js';
import { addAdopt } from './usage/adopt.js';
import { addApply } from './usage/apply.js';
import { addCompletion } from './usage/completion.js';
import { addDiff } from './usage/diff.js';
import { addDoctor } from './usage/doctor.js';
import { addHistory } from './usage/history.js';
import { addInit } from './usage/init.js';
import { examples, hostCount, NAME, type Example, type Usage } from './usage/options.js';
import { addModels } from './usage/models.js';
import { addReboot } from './usage/reboot.js';
import { addRebuild } from './usage/rebuild.js';
import { addRetire } from './usage/retire.js';
import { addRender } from './usage/render.js';
import { addResolve } from './usage/resolve.js';
import { addRollback } from './usage/rollback.js';
import { addInventory } from './usage/inventory.js';
import { addRun } from './usage/run.js';
import { addSilence } from './usage/silence.js';
import { addSecrets } from './usage/secrets.js';
import { addStatus } from './usage/status.js';
import { addVerify } from './usage/verify.js';

export { NAME };

/** In the order in which help lists them. */
const COMMANDS: readonly ((usage: Usage) => void)[] = [
  addInit,
  addDiff,
  addApply,
  addVerify,
  addStatus,
  addAdopt,
  addRun,
  addInventory,
  addRender,
  addHistory,
  addRollback,
  addResolve,
  addReboot,
  addRebuild,
  addRetire,
  addSilence,
  addSecrets,
  addModels,
  addDoctor,
  addCompletion,
];

const EXAMPLES: readonly Example[] = [
  ['doctor', 'is everything there that an apply needs?'],
  ['diff', 'what would an apply change, on every host?'],
  ['apply ai-node', 'show the plan of one host, ask, carry it out'],
];

/** The command line: parses, calls a command, and hands its exit code to `finish`. */
export function makeProgram(shell: Shell, version: string, finish: (code: ExitCode) => void): Command {
  const program = new Command(NAME)
    .description('Makes hosts equal to their documents, shows drift line by line, goes back to what was.')
    .version(version, '-V, --version', 'print the version')
    .option(
      '-i, --inventory <file>',
      'inventory, a file or folder (default: CITADEL_INVENTORY, then stacks/inventory/citadel.yaml)',
    )
    .option('--json', 'print results as JSON')
    .option('--parallel <hosts>', 'how many hosts are worked on at a time (default: 25)', hostCount)
    .option('--no-color', 'print without colour (as NO_COLOR does)')
    .helpOption('-h, --help', 'show help')
    .helpCommand(false)
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({ writeOut: (text) => shell.out.write(text), writeErr: (text) => shell.err.write(text) })
    .showSuggestionAfterError()
    .exitOverride()
    .addHelpText('after', examples(EXAMPLES));
  for (const add of COMMANDS) add({ program, shell, finish });
  return program;
}

/** Exit code of an error that commander has printed already; `undefined` for any other error. */
export function usageCode(error: unknown): ExitCode | undefined {
  if (!(error instanceof CommanderError)) return undefined;
  return error.exitCode === 0 ? EXIT.ok : EXIT.error;
}
