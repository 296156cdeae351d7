import { isRange, rangeNames, RESERVED_GROUPS, unknownHost, type Inventory } from '../inventory/index.js';
import { CitadelError, type Problem } from '../manifest/index.js';
import { suggest } from '../text/suggest.js';
import { readLastRun } from './last-run.js';
import type { ChoiceOptions, Shell } from './shell.js';

/** Whether a command is about some hosts only, and not about all that there are. */
export function isChoice(names: readonly string[], { on = [], except = [] }: ChoiceOptions): boolean {
  return names.length + on.length + except.length > 0;
}

/**
 * The hosts of `known` that are meant, in the order of `known`. Without a name and without `--on`: all of them.
 *
 * @param where the file or files that name them, for messages
 * @throws CitadelError for what names no host, and where none is left
 */
export function chooseHosts(
  shell: Pick<Shell, 'env' | 'cwd'>,
  inventory: Inventory,
  known: readonly string[],
  names: readonly string[],
  { on = [], except = [] }: ChoiceOptions,
  where: string = inventory.source.file,
): string[] {
  const problems: Problem[] = [];
  const meant = (word: string): readonly string[] => {
    const found = hostsOf(word, shell, inventory, known, where);
    if (!('code' in found)) return found;
    problems.push(found);
    return [];
  };
  const asked = [...names, ...on];
  const wanted = new Set(asked.length === 0 ? known : asked.flatMap(meant));
  const without = new Set(except.flatMap(meant));
  if (problems.length > 0) throw new CitadelError(problems);
  const chosen = known.filter((host) => wanted.has(host) && !without.has(host));
  if (chosen.length === 0 && asked.length + except.length > 0) {
    throw new CitadelError({
      code: 'cli.hosts.none',
      path: [...asked, ...except.map((word) => `--except ${word}`)].join(' '),
      got: 'leaves no host',
      fix: `Choose among: ${known.join(', ')}.`,
    });
  }
  return chosen;
}

function hostsOf(
  word: string,
  shell: Pick<Shell, 'env' | 'cwd'>,
  inventory: Inventory,
  known: readonly string[],
  where: string,
): readonly string[] | Problem {
  if (word.startsWith('@')) return groupHosts(word.slice(1), shell, inventory, where);
  if (!/[*?[]/.test(word)) return known.includes(word) ? [word] : unknownHost(word, known, where);
  const names = isRange(word) ? rangeNames(word) : undefined;
  if (names !== undefined) {
    const absent = names.find((name) => !known.includes(name));
    return absent === undefined ? names : unknownHost(absent, known, where);
  }
  const pattern = globPattern(word);
  const found = known.filter((host) => pattern.test(host));
  if (found.length > 0) return found;
  return {
    code: 'inventory.host.unknown',
    path: where,
    got: `no host is like "${word}"`,
    fix: `Use names of these: ${known.join(', ')}.`,
  };
}

function groupHosts(
  name: string,
  shell: Pick<Shell, 'env' | 'cwd'>,
  inventory: Inventory,
  where: string,
): readonly string[] | Problem {
  const { groups } = inventory;
  if (Object.hasOwn(groups, name)) return groups[name] ?? [];
  if (name !== 'failed' && name !== 'rest') {
    const all = [...Object.keys(groups).sort(), ...RESERVED_GROUPS];
    const near = suggest(name, all);
    return {
      code: 'cli.hosts.group',
      path: where,
      got: `unknown group "@${name}"`,
      fix:
        near === undefined
          ? `Use one of: ${all.map((each) => `@${each}`).join(', ')}.`
          : `Did you mean "@${near}"?`,
    };
  }
  const run = readLastRun(shell, inventory);
  if (run === undefined) {
    return {
      code: 'cli.hosts.last-run',
      path: where,
      got: `"@${name}" is of the last apply, and none is known here`,
      fix: 'Name the hosts: the last apply may have been run by another person or on another machine.',
    };
  }
  return name === 'failed' ? run.failed : run.notBegun;
}

/** `*` and `?` as in a shell. */
function globPattern(word: string): RegExp {
  const text = word
    .replace(/[\\^$.|+(){}[\]]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${text}$`);
}
