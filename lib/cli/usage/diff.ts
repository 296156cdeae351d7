import { Option, type Command } from 'commander';
import type { DiffFormat, DiffOptions } from '../commands/diff.js';
import {
  addCommand,
  collect,
  type Example,
  HOSTS,
  JSON_LINES,
  MANIFEST,
  type Usage,
  EXCEPT,
  ON,
} from './options.js';

/** As in `commands/diff.ts`, which is loaded only when it is called. */
const DIFF_FORMATS: readonly DiffFormat[] = ['text', 'json', 'markdown', 'html'];
const EXAMPLES: readonly Example[] = [
  ['diff', 'all hosts of the inventory'],
  ['diff --save plan.json', 'for "apply --plan plan.json", once it was reviewed'],
  ['diff ai-node --inventory lab.yaml', 'one host of another inventory'],
  ['diff --json | jq .hosts', 'for a program'],
  ['diff --against main --format markdown', 'a comment for a pull request, from two renderings'],
  ['diff --against main --format html --out diff.html', 'a page with both sides and a map'],
];

export function addDiff({ program, shell, finish }: Usage): void {
  addCommand(program, 'diff', 'show what an apply would change; exit status 2 when something would', EXAMPLES)
    .argument(...HOSTS)
    .option(...ON, collect)
    .option(...EXCEPT, collect)
    .option('--against <commit>', 'compare with what was rendered in a commit, and ask no host')
    .addOption(new Option('--format <format>', 'how to print (default: text)').choices(DIFF_FORMATS))
    .option('--save <file>', 'write the plan there, for "apply --plan"')
    .option('-o, --out <file>', 'write there instead of to standard output')
    .addOption(new Option(...JSON_LINES).conflicts(['format', 'out', 'against']))
    .option(...MANIFEST, collect)
    .action(async (names: string[], _options, command: Command) => {
      const { diff } = await import('../commands/diff.js');
      finish(await diff(shell, names, command.optsWithGlobals<DiffOptions>()));
    });
}
