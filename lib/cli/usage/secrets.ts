import type { Command } from 'commander';
import type { DesiredOptions } from '../desired.js';
import type { CommonOptions } from '../shell.js';
import {
  addCommand,
  collect,
  YES,
  type Example,
  HOSTS,
  MANIFEST,
  type Usage,
  EXCEPT,
  ON,
} from './options.js';

const FILE = 'age file (default: the one of the inventory)';
const EXAMPLES: readonly Example[] = [
  ['secrets keygen', 'make your identity; prints the recipient to add to secrets.recipients'],
  ['secrets edit', 'open the age file of the inventory in your editor'],
  ['secrets rekey', 'encrypt it to those whom secrets.recipients lists now'],
  ['secrets check', 'is everything there that the hosts need?'],
];
const EDIT: readonly Example[] = [
  ['secrets edit', 'the age file of the inventory'],
  ['secrets edit lab.age', 'one of several, or a new one'],
];
const REKEY: readonly Example[] = [['secrets rekey', 'after secrets.recipients was changed']];
const CHECK: readonly Example[] = [
  ['secrets check', 'all that the inventory names and the hosts need'],
  ['secrets check ai-node --json', 'what one host needs, for a program'],
];
const LIST: readonly Example[] = [['secrets list', 'each secret, its source and the hosts that need it']];
const KEYGEN: readonly Example[] = [['secrets keygen', 'a file for you alone, and its recipient for all']];

export function addSecrets({ program, shell, finish }: Usage): void {
  const secrets = addCommand(
    program,
    'secrets',
    'edit, re-encrypt and check the values of secrets',
    EXAMPLES,
  );
  secrets.helpCommand(false);
  addCommand(secrets, 'edit', 'open an age file in the editor, or begin one', EDIT)
    .argument('[file]', FILE)
    .action(async (file: string | undefined, _options, command: Command) => {
      const { edit } = await import('../commands/secrets/edit.js');
      finish(await edit(shell, file, command.optsWithGlobals<CommonOptions>()));
    });
  addCommand(secrets, 'rekey', 'encrypt age files to the recipients that are listed now', REKEY)
    .argument('[file...]', 'age files (default: all of the inventory)')
    .option(...YES)
    .action(async (files: string[], _options, command: Command) => {
      const { rekey } = await import('../commands/secrets/rekey.js');
      finish(await rekey(shell, files, command.optsWithGlobals<CommonOptions & { yes?: boolean }>()));
    });
  addCommand(secrets, 'check', 'say which secrets cannot be found, and who can read age files', CHECK)
    .argument(...HOSTS)
    .option(...ON, collect)
    .option(...EXCEPT, collect)
    .option(...MANIFEST, collect)
    .action(async (names: string[], _options, command: Command) => {
      const { check } = await import('../commands/secrets/check.js');
      finish(await check(shell, names, command.optsWithGlobals<CommonOptions & DesiredOptions>()));
    });
  addCommand(secrets, 'list', 'list secrets, where they come from and who needs them', LIST)
    .argument(...HOSTS)
    .option(...ON, collect)
    .option(...EXCEPT, collect)
    .option(...MANIFEST, collect)
    .action(async (names: string[], _options, command: Command) => {
      const { list } = await import('../commands/secrets/list.js');
      finish(await list(shell, names, command.optsWithGlobals<CommonOptions & DesiredOptions>()));
    });
  addCommand(secrets, 'keygen', 'make the identity file of this person', KEYGEN).action(
    async (_options, command: Command) => {
      const { keygen } = await import('../commands/secrets/keygen.js');
      finish(await keygen(shell, command.optsWithGlobals<CommonOptions>()));
    },
  );
}
