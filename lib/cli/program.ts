import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import type { DiffFormat, DiffOptions } from './commands/diff.js';
import type { HistoryOptions } from './commands/history.js';
import type { CarryOutOptions } from './carry-out.js';
import { SHELLS, type CommandTree, type OptionNode } from './completion/tree.js';
import type { DesiredOptions } from './desired.js';
import type { RenderOptions } from './commands/render.js';
import { EXIT, type ExitCode } from './exit-code.js';
import type { CommonOptions, Shell } from './shell.js';

export const NAME = 'citadel-iac';

/** As in `commands/diff.ts`, which is loaded only when it is called. */
const DIFF_FORMATS: readonly DiffFormat[] = ['text', 'json', 'markdown'];
const MANIFEST = [
  '--manifest <file>',
  'take what a host should be from a file that "render --json HOST" wrote; may be repeated',
] as const;
const YES = ['-y, --yes', 'do not ask'] as const;
const WAIT = ['--wait [seconds]', 'wait for another apply on the host to end (default: an hour)'] as const;

/**
 * The command line: parses, calls a command, and hands its exit code to `finish`. The commands themselves are loaded
 * when they are called, so that none pays for the others.
 */
export function makeProgram(shell: Shell, version: string, finish: (code: ExitCode) => void): Command {
  const program = new Command(NAME)
    .description('Makes hosts equal to their documents, shows drift line by line, goes back to what was.')
    .version(version, '-V, --version', 'print the version')
    .option(
      '-i, --inventory <file>',
      'inventory (default: CITADEL_INVENTORY, then stacks/inventory/citadel.yaml)',
    )
    .option('--json', 'print results as JSON')
    .option('--no-color', 'print without colour (as NO_COLOR does)')
    .helpOption('-h, --help', 'show help')
    .helpCommand(false)
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({ writeOut: (text) => shell.out.write(text), writeErr: (text) => shell.err.write(text) })
    .showSuggestionAfterError()
    .exitOverride()
    .addHelpText('after', examples(PROGRAM_EXAMPLES));
  const hosts = ['[host...]', 'hosts to work on (default: all)'] as const;

  add(program, 'diff', 'show what an apply would change; exit status 2 when something would', DIFF_EXAMPLES)
    .argument(...hosts)
    .option('--against <commit>', 'compare with what was rendered in a commit, and ask no host')
    .addOption(new Option('--format <format>', 'how to print (default: text)').choices(DIFF_FORMATS))
    .option(...MANIFEST, collect)
    .action(async (names: string[], _options, command: Command) => {
      const { diff } = await import('./commands/diff.js');
      finish(await diff(shell, names, command.optsWithGlobals<DiffOptions>()));
    });
  add(program, 'apply', 'make hosts what they should be, one transaction per host', APPLY_EXAMPLES)
    .argument(...hosts)
    .option(...YES)
    .option(...WAIT, seconds)
    .option(...MANIFEST, collect)
    .action(async (names: string[], _options, command: Command) => {
      const { apply } = await import('./commands/apply.js');
      finish(await apply(shell, names, command.optsWithGlobals<CarryOutOptions & DesiredOptions>()));
    });
  add(program, 'verify', 'say whether hosts are what they should be; exit status 2 when not', VERIFY_EXAMPLES)
    .argument(...hosts)
    .option(...MANIFEST, collect)
    .action(async (names: string[], _options, command: Command) => {
      const { verify } = await import('./commands/verify.js');
      finish(await verify(shell, names, command.optsWithGlobals<CommonOptions & DesiredOptions>()));
    });
  add(
    program,
    'render',
    'write what hosts should be to files for review, without asking them',
    RENDER_EXAMPLES,
  )
    .argument(...hosts)
    .option('-o, --out <folder>', 'where to write (default: rendered)')
    .option('--check', 'write nothing; exit status 1 and a list when files are stale')
    .option('--list', 'write nothing; print a list of what the hosts should have')
    .option(...MANIFEST, collect)
    .action(async (names: string[], _options, command: Command) => {
      const { render } = await import('./commands/render.js');
      finish(await render(shell, names, command.optsWithGlobals<RenderOptions>()));
    });
  add(program, 'history', 'list the generations that hosts keep', HISTORY_EXAMPLES)
    .argument(...hosts)
    .option('--pin <generation>', 'never drop this generation (one host)', generation)
    .option('--unpin <generation>', 'let this generation go again when its time comes', generation)
    .action(async (names: string[], _options, command: Command) => {
      const { history } = await import('./commands/history.js');
      finish(await history(shell, names, command.optsWithGlobals<HistoryOptions>()));
    });
  add(program, 'rollback', 'apply a past generation of a host again', ROLLBACK_EXAMPLES)
    .argument('<host>', 'the host')
    .option('--to <generation>', 'the generation (default: the one before the current)', generation)
    .option(...YES)
    .option(...WAIT, seconds)
    .action(async (name: string, _options, command: Command) => {
      const { rollback } = await import('./commands/rollback.js');
      finish(await rollback(shell, name, command.optsWithGlobals<CarryOutOptions & { to?: number }>()));
    });
  add(program, 'doctor', 'test reach, host key, log-in, sudo, tools, space; say how to mend', DOCTOR_EXAMPLES)
    .argument(...hosts)
    .action(async (names: string[], _options, command: Command) => {
      const { doctor } = await import('./commands/doctor.js');
      finish(await doctor(shell, names, command.optsWithGlobals<CommonOptions>()));
    });
  add(program, 'completion', 'print a completion script for a shell', COMPLETION_EXAMPLES)
    .argument('[shell]', SHELLS.join(', '))
    .option('--hosts', 'print the names of the hosts instead')
    .action(async (name: string | undefined, _options, command: Command) => {
      const { completion } = await import('./commands/completion.js');
      const options = command.optsWithGlobals<CommonOptions & { hosts?: boolean }>();
      finish(completion(shell, treeOf(program), name, options));
    });
  return program;
}

/** Exit code of an error that commander has printed already; `undefined` for any other error. */
export function usageCode(error: unknown): ExitCode | undefined {
  if (!(error instanceof CommanderError)) return undefined;
  return error.exitCode === 0 ? EXIT.ok : EXIT.error;
}

function add(program: Command, name: string, description: string, lines: readonly Example[]): Command {
  const command = program.command(name).description(description).helpOption('-h, --help', 'show help');
  return command.addHelpText('after', examples(lines)).showSuggestionAfterError();
}

function collect(value: string, before: readonly string[] = []): string[] {
  return [...before, value];
}

function seconds(value: string): number {
  if (!/^\d{1,5}$/.test(value)) throw new InvalidArgumentError('Give whole seconds, at most 99999.');
  return Number(value);
}

function generation(value: string): number {
  if (!/^[1-9]\d{0,8}$/.test(value)) throw new InvalidArgumentError('Give a number that "history" lists.');
  return Number(value);
}

/** The commander tree as data, for completion scripts. */
export function treeOf(command: Command): CommandTree {
  const [argument] = command.registeredArguments;
  const name = argument?.name();
  const value = name === 'host' ? 'hosts' : name === 'shell' ? SHELLS : undefined;
  return {
    name: command.name(),
    description: command.description(),
    options: [...command.options.map(optionNode), { flags: ['--help', '-h'], description: 'show help' }],
    commands: command.commands.map(treeOf),
    ...(value !== undefined && { argument: value }),
  };
}

function optionNode(option: Option): OptionNode {
  const flags = [option.long, option.short].filter((flag) => flag !== undefined);
  const takes = option.required ? (/<(file|folder)>/.test(option.flags) ? 'file' : 'text') : undefined;
  return { flags, description: option.description, ...(takes !== undefined && { value: takes }) };
}

type Example = readonly [command: string, meaning: string];

function examples(lines: readonly Example[]): string {
  const width = Math.max(...lines.map(([command]) => command.length));
  const text = lines.map(([command, meaning]) => `  $ ${NAME} ${command.padEnd(width)}  # ${meaning}`);
  return `\nExamples:\n${text.join('\n')}\n`;
}

const PROGRAM_EXAMPLES: readonly Example[] = [
  ['doctor', 'is everything there that an apply needs?'],
  ['diff', 'what would an apply change, on every host?'],
  ['apply ai-node', 'show the plan of one host, ask, carry it out'],
];
const DIFF_EXAMPLES: readonly Example[] = [
  ['diff', 'all hosts of the inventory'],
  ['diff ai-node --inventory lab.yaml', 'one host of another inventory'],
  ['diff --json | jq .hosts', 'for a program'],
  ['diff --against main --format markdown', 'a comment for a pull request, from two renderings'],
];
const APPLY_EXAMPLES: readonly Example[] = [
  ['apply', 'show what would change on all hosts, ask, carry it out'],
  ['apply dev-ops --yes', 'one host, without a question'],
  ['apply --wait 600', 'wait ten minutes for somebody else’s apply'],
  ['apply --manifest ai-node.json', 'a document instead of the project’s code'],
];
const VERIFY_EXAMPLES: readonly Example[] = [
  ['verify', 'one line per host, one more per difference'],
  ['verify ai-node || echo drift', 'in a script'],
];
const RENDER_EXAMPLES: readonly Example[] = [
  ['render', 'every file of every host, into rendered/'],
  ['render --check', 'is what was committed still what the code makes?'],
  ['render --list ai-node', 'a list of everything that a host should have'],
  ['render --json ai-node > ai-node.json', 'the document itself'],
];
const HISTORY_EXAMPLES: readonly Example[] = [
  ['history', 'every host'],
  ['history ai-node --json', 'for a program'],
  ['history ai-node --pin 12', 'keep generation 12 for good'],
];
const ROLLBACK_EXAMPLES: readonly Example[] = [
  ['rollback ai-node', 'to the generation before the current one'],
  ['rollback ai-node --to 3 --yes', 'to a generation that "history" lists, without a question'],
];
const DOCTOR_EXAMPLES: readonly Example[] = [
  ['doctor', 'the inventory and every host'],
  ['doctor ai-node', 'also shows the host key of a new host, to compare and pin'],
];
const COMPLETION_EXAMPLES: readonly Example[] = [
  ['completion bash > ~/.local/share/bash-completion/completions/citadel-iac', 'bash'],
  ['completion zsh > ~/.zfunc/_citadel-iac', 'zsh, with ~/.zfunc in fpath'],
  ['completion fish > ~/.config/fish/completions/citadel-iac.fish', 'fish'],
];
