import type { Command } from 'commander';
import type { RenderOptions } from '../commands/render.js';
import { addCommand, collect, type Example, HOSTS, MANIFEST, type Usage, EXCEPT, ON } from './options.js';

const EXAMPLES: readonly Example[] = [
  ['render', 'every file of every host, into rendered/'],
  ['render --check', 'is what was committed still what the code makes?'],
  ['render --list ai-node', 'a list of everything that a host should have'],
  ['render --json ai-node > ai-node.json', 'the document itself'],
];

export function addRender({ program, shell, finish }: Usage): void {
  addCommand(
    program,
    'render',
    'write what hosts should be to files for review, without asking them',
    EXAMPLES,
  )
    .argument(...HOSTS)
    .option(...ON, collect)
    .option(...EXCEPT, collect)
    .option(
      '-o, --out <folder>',
      'where to write: an empty folder or one that render made (default: rendered)',
    )
    .option('--check', 'write nothing; exit status 1 and a list when files are stale, or not from render')
    .option('--list', 'write nothing; print a list of what the hosts should have')
    .option(...MANIFEST, collect)
    .action(async (names: string[], _options, command: Command) => {
      const { render } = await import('../commands/render.js');
      finish(await render(shell, names, command.optsWithGlobals<RenderOptions>()));
    });
}
