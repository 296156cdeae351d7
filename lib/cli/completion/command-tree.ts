import type { Command, Option } from 'commander';
import { SHELLS, type CommandTree, type OptionNode } from './tree.js';

/** The commander tree as data, for completion scripts. */
export function treeOf(command: Command): CommandTree {
  const [argument] = command.registeredArguments;
  const name = argument?.name();
  const hosts = argument?.variadic === true ? 'hosts' : 'host';
  const value = name === 'host' ? hosts : name === 'shell' ? SHELLS : name === 'file' ? 'files' : undefined;
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
  const takes = option.required ? takenBy(option.flags) : undefined;
  return { flags, description: option.description, ...(takes !== undefined && { value: takes }) };
}

function takenBy(flags: string): NonNullable<OptionNode['value']> {
  if (/<(file|folder)>/.test(flags)) return 'file';
  return /^--(on|except) /.test(flags) ? 'hosts' : 'text';
}
