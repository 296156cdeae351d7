/** The part of a command that completion needs: plain data, made from the commander tree. */
export interface CommandTree {
  readonly name: string;
  readonly description: string;
  readonly options: readonly OptionNode[];
  readonly commands: readonly CommandTree[];
  /** What the command's arguments are; a `host`, or `hosts` and groups of them, are asked of the inventory when Tab is pressed. */
  readonly argument?: 'host' | 'hosts' | 'files' | readonly string[];
}

export interface OptionNode {
  /** `--json`, `-h` … */
  readonly flags: readonly string[];
  readonly description: string;
  /** What follows it, if anything does. */
  readonly value?: 'file' | 'hosts' | 'text';
}

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type CompletionShell = (typeof SHELLS)[number];

/** All options of a command: its own and those of the program, which may stand anywhere. */
export function optionsOf(root: CommandTree, command: CommandTree): readonly OptionNode[] {
  const own = new Set(command.options.flatMap(({ flags }) => flags));
  return [...command.options, ...root.options.filter(({ flags }) => !flags.some((flag) => own.has(flag)))];
}

/** Flags after which a file name is expected, over the whole tree, sorted. */
export function flagsWith(value: OptionNode['value'], root: CommandTree): string[] {
  const all = withAllBelow(root).flatMap((command) => command.options);
  return [...new Set(all.filter((option) => option.value === value).flatMap(({ flags }) => flags))].sort();
}

function withAllBelow(command: CommandTree): CommandTree[] {
  return [command, ...command.commands.flatMap(withAllBelow)];
}
